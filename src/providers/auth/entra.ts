/**
 * Tokens of Microsoft Entra ID for an application with a secret, by the client credentials flow. The tenant stands in the address, which is
 * always Microsoft's. https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
import { partsOf } from './parts.ts'
import { askForToken, tokenOf, type Grant } from './token.ts'

const names = ['AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET'] as const

export const isGuid = (text: string): boolean => /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text)

/** How a token for this scope is got; a text says what is wrong with the credential. */
export function entraGrant(secret: string, scope: string): Grant | string {
  const parts = partsOf(secret)
  if (parts === null) return 'The credential is neither a key nor JSON. Give AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.'
  const missing = names.find((name) => !parts[name])
  if (missing !== undefined) return `${missing} is missing. An application of Entra ID is AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.`
  const { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client_id, AZURE_CLIENT_SECRET: client_secret } = parts as Record<(typeof names)[number], string>
  if (!/^[\w-]+(\.[\w-]+)*$/.test(tenant)) return 'AZURE_TENANT_ID is no tenant: it is an id such as 72f988bf-86f1-41af-91ab-2d7cd011db47, or a domain.'
  if (isGuid(client_secret)) return 'AZURE_CLIENT_SECRET is the id of a secret and not its value, which Entra ID shows once, when the secret is made.'
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret, scope }).toString()
  const request = { url: `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`, headers: { 'content-type': 'application/x-www-form-urlencoded' }, body }
  return async (send) => tokenOf(await askForToken(send, 'Entra ID', request, secret), 'Entra ID')
}
