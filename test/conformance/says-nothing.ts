/**
 * Values of requests that may be left out of a translation without a word, and why: with and without them a request means the same, or
 * what they belong to is told under a name for all of it. `to` are the only formats of which it is true; left out: all.
 */
export interface SaysNothing { value: RegExp; why: string; to?: readonly string[] }

export const saysNothing: readonly SaysNothing[] = [
  { value: /=null$|=\{\}$/, why: 'as good as nothing' },
  { value: /^\.model$/, why: 'the deployment’s own name takes its place' },
  { value: /^\.stream=(true|false)$/, why: 'it stands in the path', to: ['gemini-generate', 'bedrock-converse', 'bedrock-invoke'] },
  { value: /^\.stream=false$/, why: 'it is usual' },
  { value: /^\.stream_options\.include_usage=true$/, why: 'usage always comes' },
  { value: /^\.anthropic_version$/, why: 'of Bedrock’s own wording' },
  { value: /\.(tool_calls|reasoning_details)\[\]<.*>\.index$/, why: 'the place in the list says it' },
  { value: /<tool>\.(name|tool_name)$|\.functionResponse\.name$/, why: 'the call that is answered says it' },
  { value: /\.prefix=false$|\.includeThoughts=false$|\.exclude=true$/, why: 'it is usual' },
  { value: /^\.systemInstruction<\w+>\.role$/, why: 'Google reads none there' },
  { value: /\.tool_choice<(function|tool)>\.type$/, why: 'the name beside it says the same' },
  { value: /\.input\[\]<(function_call|function_call_output|reasoning|message \w+)>\.id$/, why: 'a name within what OpenAI stores; the call has another' },
  { value: /<message assistant>\.content\[\]<output_text>\.type$/, why: 'it is a text' },
  { value: /<reasoning>\.(content|summary)\[\]<\w+>\.type$/, why: 'it has no other' },
  { value: /\.source<text>\.media_type$/, why: 'it is plain text' },
  { value: /<image>\.source<base64>\.media_type$/, why: 'the bytes say it', to: ['ollama-chat'] },
  { value: /<input_audio>\.input_audio\.format$/, why: 'the audio is told as lost', to: ['ollama-chat'] },
  { value: /\.(json_schema|format<json_schema>)\.strict=true$/, why: 'these hold every schema strictly', to: ['cohere-chat', 'gemini-generate', 'ollama-chat'] },
  { value: /\.(text\.format<json_schema>|json_schema)\.name$/, why: 'a label that is for logs', to: ['gemini-generate'] },
  { value: /^\.thinking<enabled>\.type$/, why: 'the budget beside it says it', to: ['gemini-generate'] },
  { value: /\.properties\.(optional_[ab]<string>\.type|value\.type\[\])$/, why: 'of a tool that may not be called, which is left out by name', to: ['cohere-chat', 'ollama-chat'] },
  { value: /<reasoning>\.summary\[\]<summary_text>\.text$|^\.reasoning\.summary$/, why: 'told with the thought, or with all thinking', to: ['anthropic-messages', 'bedrock-converse', 'bedrock-invoke'] },
  { value: /^\.top_p$/, why: 'at 1, which is usual, beside a temperature', to: ['anthropic-messages', 'bedrock-invoke'] },
  { value: /\.propertyOrdering\[\]$/, why: 'the properties stand in that order' },
  { value: /^\.tools\[\]<web_search_\d+>\.name$/, why: 'it has no other' },
  { value: /<(server_tool_use|web_search_tool_result)>\./, why: 'told together: what another vendor’s tools did', to: ['ollama-chat'] },
  { value: /\.cache_control<ephemeral>\.ttl$/, why: 'told together with other cache marks', to: ['openai-responses', 'gemini-generate'] },
  { value: /\.citations\[\]<char_location>\.(type|\w+_char_index)$/, why: 'told as the place of a citation in its source', to: ['cohere-chat'] },
  { value: /^\.web_search_options\.search_context_size$/, why: 'told with the tool, or as its settings' },
  { value: /^\.top_logprobs$/, why: 'told with logprobs', to: ['anthropic-messages', 'bedrock-converse', 'bedrock-invoke'] },
  { value: /^\.generationConfig\.(temperature|topP|topK)$/, why: 'told together: sampling beside thinking', to: ['bedrock-converse'] },
  { value: /^\.(output_config|reasoning)\.effort$|\.thinkingLevel$/, why: 'the usual effort is not asked of a model that is not known to think' },
]
