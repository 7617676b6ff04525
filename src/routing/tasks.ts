/** The names of what a request can be about and how hard it can be for its kind. The order is part of the artefact's format: appending needs a new artefact, removing breaks old ones. */

export const taskTypes = [
  'coding', 'code_reasoning', 'maths', 'reasoning', 'science', 'engineering', 'physics', 'chemistry', 'biology', 'computer_science', 'mathematics',
  'business', 'economics', 'psychology', 'humanities', 'medicine', 'extraction', 'classification', 'summarisation', 'translation', 'writing', 'chat',
  // What a request carries says these two, not its words.
  'tool_use', 'vision',
] as const
export type TaskType = (typeof taskTypes)[number]
export const taskCount = taskTypes.length
/** So many of them are told from the words. */
export const wordTasks = taskTypes.indexOf('tool_use')

export const difficulties = ['easy', 'medium', 'hard'] as const
export const difficultyCount = difficulties.length
export const cellCount = taskCount * difficultyCount

export const languages = ['unknown', 'en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'zh', 'ja', 'ko', 'ru', 'ar'] as const
export type Language = (typeof languages)[number]
