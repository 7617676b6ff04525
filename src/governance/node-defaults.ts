/**
 * What nodes set for those below them and what is no right: the default model and routing policy, aliases of their own, and credentials of their own at a
 * provider. The nearest node that sets a thing wins. Nothing here lets anybody use a model: policies judge what an alias or a default
 * leads to. Pure; nothing can fail.
 */
export interface AliasOfNode { name: string; strategy: 'ordered' | 'weighted'; targets: readonly { model: string; weight: number }[] }

/** Whose key pays at the vendor. They are tried in this order, and no others: a node's requests never run on the key of a node above. */
export interface CredentialsOfNode { provider: string; credentialIds: readonly string[] }

export interface NodeDefaults {
  nodeId: string
  /** What a request without a model, or for `default`, gets; null: not set here. */
  model: string | null
  /** Names that are tried after the model of a request that names none itself; null: not set here. */
  fallbacks: readonly string[] | null
  /** The routing policy of requests for `auto`; null: not set here. */
  policy: string | null
  aliases: readonly AliasOfNode[]
  credentials: readonly CredentialsOfNode[]
}

/** A value and the node that set it, so that it can be shown where it comes from. */
export interface From<Value> { value: Value; nodeId: string }

export interface EffectiveDefaults {
  model: From<string> | null
  fallbacks: From<readonly string[]> | null
  policy: From<string> | null
  aliases: ReadonlyMap<string, From<AliasOfNode>>
  /** By provider; a provider that is missing is used with the installation's credentials. */
  credentials: ReadonlyMap<string, From<readonly string[]>>
}

/** From the organisation to the key. An empty list of credentials is a setting too: the provider is switched off below that node. */
export function resolveDefaults(chain: readonly NodeDefaults[]): EffectiveDefaults {
  let model: From<string> | null = null
  let fallbacks: From<readonly string[]> | null = null
  let policy: From<string> | null = null
  const aliases = new Map<string, From<AliasOfNode>>()
  const credentials = new Map<string, From<readonly string[]>>()
  for (const { nodeId, model: own, fallbacks: ownFallbacks, policy: ownPolicy, aliases: ownAliases, credentials: ownCredentials } of chain) {
    if (own !== null) model = { value: own, nodeId }
    if (ownFallbacks !== null) fallbacks = { value: ownFallbacks, nodeId }
    if (ownPolicy !== null) policy = { value: ownPolicy, nodeId }
    for (const alias of ownAliases) aliases.set(alias.name, { value: alias, nodeId })
    for (const { provider, credentialIds } of ownCredentials) credentials.set(provider, { value: credentialIds, nodeId })
  }
  return { model, fallbacks, policy, aliases, credentials }
}
