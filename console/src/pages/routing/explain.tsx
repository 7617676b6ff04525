export const ExplainRouting = () => null
