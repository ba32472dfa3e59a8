/** Whether a key press belongs to the input method, as the Enter that ends Hangul (229: Safari). */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** In a field of one line: the Enter that ends a Hangul composition does not mean the form. */
export function keepComposing(event: KeyboardEvent): void {
  if (event.key === 'Enter' && isComposing(event)) event.preventDefault();
}
