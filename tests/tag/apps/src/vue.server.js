import { renderToString } from "vue/server-renderer";
import { make } from "./vue.js";

export const html = await renderToString(make());
