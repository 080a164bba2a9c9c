/** The inks of a report. Each state has a shape or a word beside its colour: many are printed in black and white. */
export const INK = {
  text: '#141922',
  second: '#465061',
  third: '#5f6a7b',
  line: '#dfe3e9',
  strongLine: '#c3cad5',
  ground: '#f5f6f8',
  paper: '#ffffff',
  good: '#0f6b42',
  goodGround: '#e3f3ea',
  calm: '#8fa6c9',
  warn: '#7d5200',
  warnGround: '#fcf1d8',
  risk: '#b0231b',
  riskGround: '#fdeae8',
} as const;
