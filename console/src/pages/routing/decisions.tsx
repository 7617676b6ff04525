export const Decisions = () => null
