/** The artefact that this version ships. Read once per thread; a damaged file fails here with the reason. */
import { readFileSync } from 'node:fs'
import { readArtefact, type Artefact, type ArtefactFile } from './artefact.ts'

let loaded: Artefact | null = null

export function loadArtefact(): Artefact {
  loaded ??= readArtefact(JSON.parse(readFileSync(new URL('artefact.json', import.meta.url), 'utf8')) as ArtefactFile)
  return loaded
}
