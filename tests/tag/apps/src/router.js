import { createApp, h } from "vue";
import { createRouter, createWebHistory, RouterLink, RouterView } from "vue-router";
import { shop } from "./words.js";

const page = (id, text) => ({ render: () => h("p", { id }, text) });

const router = createRouter({
  history: createWebHistory("/router/"),
  routes: [
    { path: "/", component: page("home", "No number here") },
    { path: "/services", component: page("services", `Book a service: ${shop.phone}`) },
    { path: "/contact", component: page("contact", `Talk to us: ${shop.phone}`) },
  ],
});
const link = (to, id) => h(RouterLink, { to, id }, () => id);
createApp({
  render: () => [
    h("nav", [link("/", "to-home"), link("/services", "to-services"), link("/contact?gclid=late", "to-contact")]),
    h(RouterView),
  ],
})
  .use(router)
  .mount("#app");
await router.isReady();
document.documentElement.dataset.ready = "yes";
