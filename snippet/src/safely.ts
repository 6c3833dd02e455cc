/** The same function, but what it throws is swallowed: the page is not ours to break, nor its console to fill. */
export function safely<A extends unknown[], R>(act: (...args: A) => R): (...args: A) => R | undefined {
  return (...args) => {
    try {
      return act(...args);
    } catch {
      return; // silent on purpose: the original numbers stay
    }
  };
}
