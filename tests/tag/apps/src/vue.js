import { createSSRApp, onMounted, ref } from "vue";
import { shop } from "./words.js";

export const make = () =>
  createSSRApp({
    setup() {
      const count = ref(0);
      const typed = ref(shop.phone);
      onMounted(() => {
        document.documentElement.dataset.ready = "yes";
      });
      return { count, typed, shop };
    },
    template: `<main>
      <h1 id="beside">Call {{ shop.phone }}</h1>
      <p id="changing">{{ count }} calls today: {{ shop.phone }}</p>
      <p><a id="link" :href="shop.href" :title="'called ' + count + ' times'"><span>Ring</span> <b>{{ shop.phone }}</b></a></p>
      <p v-if="count % 2 === 0" id="even">Even: {{ shop.phone }}</p>
      <p v-else id="odd">Odd: {{ shop.phone }}</p>
      <p id="raw" v-html="'<i>' + count + '</i> <b>' + shop.phone + '</b>'"></p>
      <ul id="list"><li v-for="n in count" :key="n">Store {{ n }}: {{ shop.phone }}</li></ul>
      <input id="typed" v-model="typed">
      <button id="more" @click="count++">More</button>
    </main>`,
  });

if (typeof document !== "undefined") make().mount("#app");
