export const Savings = () => null
