export const Providers = () => null
