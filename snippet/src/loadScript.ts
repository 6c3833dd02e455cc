/** Adds a script of the service to the page: for what few pages need. */
export function loadScript(url: string): void {
  const script = document.createElement("script");
  script.src = url;
  document.head.appendChild(script);
}
