import { useEffect, useState } from "react";
import { hydrateRoot } from "react-dom/client";
import { shop } from "./words.js";

export function App() {
  const [count, setCount] = useState(0);
  const [typed, setTyped] = useState(shop.phone);
  useEffect(() => {
    document.documentElement.dataset.ready = "yes";
  }, []);
  return (
    <main>
      <h1 id="beside">Call {shop.phone}</h1>
      <p id="pieces">
        ({shop.area}) {shop.rest}
      </p>
      <p id="changing">{`${count} calls today: ${shop.phone}`}</p>
      <p>
        <a id="link" href={shop.href} title={`called ${count} times`}>
          <span>Ring</span> <b>{shop.phone}</b>
        </a>
      </p>
      <p id="keyed" key={count}>
        {shop.phone}
      </p>
      <ul id="list">
        {Array.from({ length: count }, (_, at) => (
          <li key={at}>
            Store {at + 1}: {shop.phone}
          </li>
        ))}
      </ul>
      <input id="typed" value={typed} onChange={(event) => setTyped(event.target.value)} />
      <button id="more" onClick={() => setCount(count + 1)}>
        More
      </button>
    </main>
  );
}

if (typeof document !== "undefined") hydrateRoot(document.getElementById("app"), <App />);
