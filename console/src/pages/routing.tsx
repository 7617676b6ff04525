export const Routing = () => null
