export const Models = () => null
