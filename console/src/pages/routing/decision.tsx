export const Decision = () => null
