/** Whether somebody can see the page. Chrome alone prerenders; elsewhere the property is missing. */
export function isVisible(): boolean {
  return !document.hidden && !(document as { prerendering?: boolean }).prerendering;
}
