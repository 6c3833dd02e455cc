/**
 * A clock in ms that counts sleep and never steps back: performance.now() stands still while a computer sleeps
 * (w3c/hr-time#115), and Date.now() goes back when somebody sets the time.
 */
export function makeClock(wall = Date.now): () => number {
  let skew = 0;
  let last = 0;
  return () => {
    const time = wall() + skew;
    if (time < last) skew += last - time;
    return (last = Math.max(last, time));
  };
}
