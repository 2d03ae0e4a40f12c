/** The vocabulary that texts are counted by, that of OpenAI's current models: others count much the same, not exactly. For those who do not count. */
export const tokenizerName = 'o200k_base';
