/** As long as a site's own value may be, in UTF-16 units, so that no such value takes a text over its limit. */
export const MOST_VARIABLE_VALUE = 500;

const BREAKS = /[\p{Cc}\p{Zl}\p{Zp}]/u;
/** Letters among what is never drawn too: a filler is a letter to Unicode, and a blank pattern of Braille a sign. */
const NEVER_DRAWN = /[\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** Whether nothing of a text can be seen. */
export const isBlankValue = (value: string): boolean => !/[\p{L}\p{N}\p{P}\p{S}]/u.test(value.replace(NEVER_DRAWN, ''));

/**
 * Whether a site's own value may stand for a variable. One that shows nothing leaves a hole where a clinic looks for a number, and one
 * that breaks the line could pass for a text of the policy; older agents stored either.
 */
export const isUsableValue = (value: string): boolean =>
  value.length <= MOST_VARIABLE_VALUE && !value.includes('{{') && !BREAKS.test(value) && !isBlankValue(value);
