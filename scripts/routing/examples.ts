/**
 * Short made-up requests for kinds of task that the outcome data lacks, from templates, so that the classifier knows them at all.
 * They carry no outcomes. How often each is drawn is fixed by the seed.
 */
import { taskTypes, type TaskType } from '../../src/routing/tasks.ts'

const things = ['the quarterly report', 'this e-mail thread', 'the meeting notes', 'the contract below', 'the following article', 'our release notes', 'the customer reviews', 'this support ticket', 'the research paper', 'the transcript', 'this blog post', 'the incident report', 'my travel plan', 'the interview', 'the product page', 'these survey answers']
const topics = ['remote work', 'climate change', 'a new coffee machine', 'the history of Rome', 'electric cars', 'a lost dog', 'machine learning', 'home gardening', 'a small bakery', 'space travel', 'team culture', 'online privacy', 'healthy breakfasts', 'medieval castles', 'a rainy morning', 'the stock market']
const languages = ['French', 'German', 'Spanish', 'Italian', 'Japanese', 'Chinese', 'Dutch', 'Portuguese', 'English', 'Korean', 'Arabic', 'Polish']
const fields = ['names', 'dates', 'addresses', 'invoice numbers', 'phone numbers', 'prices', 'company names', 'product ids', 'e-mail addresses', 'order totals', 'skills', 'deadlines']
const code = ['a REST endpoint in TypeScript', 'a Python script that parses CSV files', 'this failing unit test', 'the SQL query', 'a React component', 'the Dockerfile', 'the memory leak in this Rust function', 'a bash script', 'a regular expression for URLs', 'the race condition in the queue worker', 'the CI pipeline', 'a binary search in Go']

const templates: Partial<Record<TaskType, string[]>> = {
  summarisation: ['Summarize {thing} in three sentences.', 'Summarise {thing} for an executive audience.', 'Give me a TL;DR of {thing}.', 'What are the key takeaways of {thing}?', 'Condense {thing} into five bullet points.', 'Write a short abstract of {thing} about {topic}.', 'Fasse {thing} kurz zusammen.', 'Résume {thing} en quelques lignes.', 'Shorten {thing} to 100 words and keep the main points.'],
  translation: ['Translate {thing} into {language}.', 'Translate to {language}: The meeting about {topic} is on Friday.', 'How do you say "I would like to talk about {topic}" in {language}?', 'Übersetze {thing} ins Englische.', 'Traduis le texte suivant en anglais : {topic}.', 'Please provide a {language} translation of {thing}, keeping the tone.', 'What does this {language} sentence mean in English?'],
  extraction: ['Extract all {field} from {thing} as JSON.', 'List the {field} mentioned in {thing}.', 'Return a JSON object with {field} and {field2} found in the text.', 'Pull out every one of the {field} in {thing} into a table.', 'Find the {field} in the document and output {"{field}": [...]}.', 'Parse {thing} and fill in this schema with {field} and {field2}.'],
  classification: ['Classify the sentiment of {thing} as positive, negative or neutral.', 'Is {thing} spam or not spam? Answer with one word.', 'Which category fits best: billing, technical, sales? Text: {thing} about {topic}.', 'Label each of the lines in {thing} with its topic.', 'Does {thing} contain personal data? Answer yes or no.', 'Determine the intent of the user message: {topic}.', 'Rate the urgency of {thing} from 1 to 5.'],
  writing: ['Write a poem about {topic}.', 'Write a short story about {topic}.', 'Draft an e-mail to my manager about {topic}.', 'Write a blog post on {topic} in a friendly tone.', 'Compose a LinkedIn post about {topic}.', 'Rewrite {thing} so that it sounds more professional.', 'Create a slogan for {topic}.', 'Write a cover letter for a job in {topic}.', 'Improve the style of {thing}.', 'Schreibe einen Brief über {topic}.', 'Give me a speech on {topic}.'],
  chat: ['Hi, how are you?', 'Hello!', 'say hi', 'Thanks, that was helpful.', 'What do you think about {topic}?', 'Can you recommend something about {topic}?', 'Tell me a joke about {topic}.', 'I feel a bit sad today because of {topic}.', 'Who are you?', 'What can you do?', 'ok', 'Good morning', 'Any tips for {topic}?', 'Let us talk about {topic}.', 'Guten Tag, wer bist du?', 'ping'],
  coding: ['Write {code}.', 'Fix {code}.', 'Refactor {code} so that it is easier to test.', 'Explain {code} and improve it.', 'Debug {code}: it throws an exception at line 42.', 'Implement {code} with tests.', 'Review {code} for security problems.', 'Why does {code} fail with "undefined is not a function"?', 'Add a feature to {code}.', 'Convert {code} from JavaScript to Python.', 'read the file src/index.ts and change the handler'],
  medicine: ['What are the symptoms of diabetes?', 'A 54-year-old patient presents with chest pain. What is the most likely diagnosis?', 'Which drug interacts with warfarin?', 'What dose of amoxicillin is usual for an adult?', 'Explain the treatment of hypertension to a nurse.', 'What does a raised creatinine level mean?', 'Differential diagnosis of acute abdominal pain in a child', 'What are contraindications of ibuprofen in pregnancy?'],
  humanities: ['Who was the first emperor of Rome?', 'What caused the French Revolution?', 'Explain the categorical imperative of Kant.', 'Under contract law, is the offer binding?', 'What did the Treaty of Versailles decide?', 'Compare Plato and Aristotle on virtue.', 'Which court has jurisdiction in this tort case?', 'What is the theme of Hamlet?', 'When did the Ming dynasty end?', 'A landlord and a tenant dispute the lease. Who prevails under common law?'],
  reasoning: ['If all bloops are razzies and all razzies are lazzies, are all bloops lazzies?', 'There are three boxes, one of them labelled wrongly. Which one do you open first?', 'Anna is taller than Ben, Ben is taller than Carl. Who is the shortest?', 'A farmer has to bring a wolf, a goat and a cabbage over a river. How?', 'Which number comes next: 2, 6, 12, 20?', 'Plan the steps to move an office in two days with four people.'],
  maths: ['Solve 3x + 5 = 20 for x.', 'Compute the integral of x^2 sin(x).', 'Prove that the square root of 2 is irrational.', 'A train leaves at 3 pm at 60 km/h. When does it arrive after 150 km?', 'What is 17 * 23?', 'If 12 apples cost 6 dollars, how much do 30 apples cost?'],
}

export interface Example { text: string; task: number }

/** `perTask` examples of each kind that has templates. */
export function examples(perTask: number, random: () => number): Example[] {
  const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] as string
  return Object.entries(templates).flatMap(([task, patterns]) => Array.from({ length: perTask }, () => ({
    task: taskTypes.indexOf(task as TaskType),
    text: pick(patterns).replaceAll('{thing}', pick(things)).replaceAll('{topic}', pick(topics)).replaceAll('{language}', pick(languages)).replaceAll('{field}', pick(fields)).replaceAll('{field2}', pick(fields)).replaceAll('{code}', pick(code)),
  })))
}
