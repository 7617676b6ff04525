export const RoutedModels = () => null
