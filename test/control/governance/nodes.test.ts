import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { audited, startWorld, told, type World } from './world.ts'

let world: World
before(async () => {
  world = await startWorld()
})
after(() => world.stop())

describe('POST /teams and /projects', () => {
  test('201: a team, a team in it, a project in that; the tree and the audit log have them before the answer', async () => {
    const research = await world.team('Research')
    const search = await world.team('Search', research)
    const ranking = await world.project('Ranking', search)
    const answer = await world.get(`/projects/${ranking}`)
    assert.deepEqual([answer.status, answer.body.path, answer.body.parent_id, answer.headers.etag], [200, [{ id: research, name: 'Research' }, { id: search, name: 'Search' }], search, '"1"'])
    const tree = await world.get(`/tree?root=${research}`)
    assert.deepEqual((tree.body.nodes as { id: string }[]).map(({ id }) => id), [search, ranking])
    assert.deepEqual((await audited(world)).slice(-3), ['team.create', 'team.create', 'project.create'])
  })

  test('201 once for an Idempotency-Key; 409 for it with another body', async () => {
    const ask = (name: string) => world.post('/teams', { name }, 'token', { 'idempotency-key': 'one' })
    const [first, again] = [await ask('Once'), await ask('Once')]
    assert.deepEqual([first.status, again.status, first.body.id], [201, 201, again.body.id])
    assert.deepEqual(told(await ask('Twice')), [409, 'idempotency_conflict'])
  })

  test('400: what is wrong is named', async () => {
    for (const [body, param] of [[{}, 'name'], [{ name: ' ' }, 'name'], [{ name: 'x', weight: 0 }, 'weight'], [{ name: 'x', org: 'y' }, 'body']] as const) {
      const answer = await world.post('/teams', body)
      assert.deepEqual([answer.status, answer.body.error.param], [400, param], answer.text)
    }
  })

  test('404 for a parent that is not there; 409 for a name that is taken; 422 for what the tree cannot hold', async () => {
    assert.deepEqual(told(await world.post('/teams', { name: 'x', parent_id: 'team_none' })), [404, 'not_found'])
    const project = await world.project('Leaf')
    assert.deepEqual(told(await world.post('/projects', { name: 'Leaf' })), [409, 'already_exists'])
    const below = await world.post('/teams', { name: 'x', parent_id: project })
    assert.deepEqual([...told(below), below.body.error.param], [422, 'misplaced', 'parent_id'])
    let parent = await world.team('Level 1')
    for (let level = 2; level <= 8; level++) parent = await world.team(`Level ${level}`, parent)
    assert.match((await world.post('/teams', { name: 'Level 9', parent_id: parent })).body.error.message, /deeper than 8 levels/)
  })

  test('403 names the permission and whom to ask; a lead makes teams below his own and nowhere else', async () => {
    const [mine, other] = [await world.team('Mine'), await world.team('Other')]
    const { session } = await world.person('Lea', { [mine]: 'team_lead' })
    assert.equal((await world.post('/teams', { name: 'Part', parent_id: mine }, session)).status, 201)
    const refused = await world.post('/teams', { name: 'Part', parent_id: other }, session)
    assert.deepEqual(told(refused), [403, 'forbidden'])
    assert.match(refused.body.error.message, /teams:write/)
    assert.equal((await world.post('/teams', { name: 'Part' }, session)).status, 403)
  })
})

describe('GET /teams', () => {
  test('200: only what one may see, page by page; a team of no right of his is 403, and unknown to the list', async () => {
    const mine = await world.team('Seen')
    const parts = [await world.team('Seen 1', mine), await world.team('Seen 2', mine), await world.team('Seen 3', mine)]
    const { session } = await world.person('Vic', { [mine]: 'viewer' })
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await world.get(`/teams?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`, session)
      seen.push(...(page.body.data as { id: string }[]).map(({ id }) => id))
      cursor = page.body.next_cursor as string | null
    }
    assert.deepEqual(seen, [mine, ...parts])
    assert.deepEqual((await world.get(`/teams?parent_id=${mine}`, session)).body.data.length, 3)
    assert.equal((await world.get(`/teams/${await world.team('Unseen')}`, session)).status, 403)
  })

  test('404: a project is no team, and another organisation’s team is not there', async () => {
    assert.equal((await world.get(`/teams/${await world.project('No team')}`)).status, 404)
    assert.equal((await world.get('/teams/team_none')).status, 404)
  })
})

describe('PATCH, move and DELETE', () => {
  test('200: renamed; 412 on an old version with the present state', async () => {
    const id = await world.team('Old name')
    assert.deepEqual([(await world.patch(`/teams/${id}`, { name: 'New name' }, 'token', { 'if-match': '"1"' })).body.name], ['New name'])
    const late = await world.patch(`/teams/${id}`, { name: 'Late' }, 'token', { 'if-match': '"1"' })
    assert.deepEqual([...told(late), late.body.error.current.name], [412, 'version_conflict', 'New name'])
  })

  test('403: a lead cannot raise the share of his own team; his admin can', async () => {
    const id = await world.team('Weighed')
    const { session } = await world.person('Will', { [id]: 'team_lead' })
    assert.deepEqual(told(await world.patch(`/teams/${id}`, { weight: 9 }, session)), [403, 'forbidden'])
    assert.equal((await world.patch(`/teams/${id}`, { description: 'x' }, session)).status, 200)
    assert.equal((await world.patch(`/teams/${id}`, { weight: 9 })).body.weight, 9)
  })

  test('200: a move keeps where it was; 403 out of what holds it; 422 below itself', async () => {
    const [from, to] = [await world.team('From'), await world.team('To')]
    const project = await world.project('Moving', from)
    const { session } = await world.person('Max', { [from]: 'team_lead', [to]: 'team_lead' })
    const refused = await world.post(`/projects/${project}/move`, { parent_id: to }, session)
    assert.deepEqual(told(refused), [403, 'forbidden'])
    assert.equal((await world.post(`/projects/${project}/move`, { parent_id: to })).status, 200)
    const { data } = (await world.get(`/projects/${project}/history`)).body as { data: { parent: { name: string }; to: string | null }[] }
    assert.deepEqual(data.map(({ parent, to: end }) => [parent.name, end === null]), [['From', false], ['To', true]])
    const part = await world.team('Part of to', to)
    assert.deepEqual(told(await world.post(`/teams/${to}/move`, { parent_id: part })), [422, 'misplaced'])
  })

  test('409 while anything is in it; 204 then, and its name stays readable', async () => {
    const id = await world.team('Ending')
    const part = await world.project('Last', id)
    const full = await world.remove(`/teams/${id}`)
    assert.deepEqual(told(full), [409, 'not_empty'])
    assert.equal((await world.remove(`/projects/${part}`)).status, 204)
    assert.equal((await world.remove(`/teams/${id}`)).status, 204)
    assert.equal((await world.get(`/teams/${id}`)).status, 404)
    assert.deepEqual((await world.get(`/projects/${part}/history`)).body.data[0].parent.name, 'Ending')
    assert.equal(await world.team('Ending').then((again) => again !== id), true)
  })
})

describe('defaults and credentials of a node', () => {
  test('200: set whole and read back; an alias that leads nowhere is 422, a provider that is not there too', async () => {
    const id = await world.team('Sets')
    const defaults = { model: 'ours', fallbacks: null, policy: 'cheap', aliases: [{ name: 'ours', strategy: 'ordered', targets: [{ model: 'gpt-4o', weight: 1 }] }], providers_off: ['simulated'] }
    const answer = await world.put(`/teams/${id}/defaults`, defaults)
    assert.deepEqual([answer.status, { ...defaults, node_id: id, version: 2 }], [200, answer.body], answer.text)
    assert.deepEqual((await world.get(`/teams/${id}/defaults`)).body, answer.body)
    assert.deepEqual(told(await world.put(`/teams/${id}/defaults`, { aliases: [{ name: 'a', strategy: 'ordered', targets: [{ model: 'no-such-model' }] }] })), [422, 'unknown_target'])
    assert.deepEqual(told(await world.put(`/teams/${id}/defaults`, { providers_off: ['nobody'] })), [422, 'unknown_provider'])
    const { session } = await world.person('Dora', { [id]: 'team_lead' })
    assert.deepEqual(told(await world.put(`/teams/${id}/defaults`, { ...defaults, providers_off: [] }, session)), [403, 'forbidden'])
    assert.equal((await world.put(`/teams/${id}/defaults`, { ...defaults, model: null }, session)).status, 200)
  })

  test('201: a credential of its own is never shown, is nobody else’s, and is destroyed with the team', async () => {
    const id = await world.team('Pays')
    assert.equal((await world.post('/providers', { vendor: 'openai-compatible', id: 'own', base_url: 'https://models.example.com/v1' })).status, 201)
    const secret = 'sk-of-the-team-0123456789'
    const answer = await world.post(`/teams/${id}/credentials`, { provider: 'own', secret, force: true })
    assert.equal(answer.status, 201, answer.text)
    assert.deepEqual((await world.get(`/teams/${id}/credentials`)).body.data.map((each: { id: string }) => each.id), [answer.body.id])
    for (const path of [`/teams/${id}/credentials`, '/providers/own', '/providers']) assert.ok(!(await world.get(path)).text.includes(secret), path)
    const published = world.rig.control.services.publisher.publishedOf(world.org).get('own')
    assert.deepEqual(published?.credentials.map(({ secret: text }) => text), [])
    assert.equal((await world.remove(`/teams/${id}`)).status, 204)
    const row = await world.rig.control.services.database.kysely.selectFrom('credential').selectAll().where('id', '=', answer.body.id as string).executeTakeFirstOrThrow()
    assert.deepEqual([row.ciphertext, row.deleted_at === null], [null, false])
  })
})
