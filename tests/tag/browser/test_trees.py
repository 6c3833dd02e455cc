"""Numbers where a page's scripts seldom look: shadow roots, and frames of the same origin."""

from playwright.async_api import expect

from tests.tag.browser.shop import Shop
from tests.tag.browser.site import Site
from tests.tag.browser.visitor import PRINTED, Visitor, like

ROOTS = f"""
<div id="declared"><template shadowrootmode="open"><p>{PRINTED}</p>
  <div id="nested"><template shadowrootmode="open"><a href="tel:+14155550100">{PRINTED}</a></template></div>
</template></div>
<div id="scripted"></div><div id="late"></div><div id="closed"></div><p id="light">{PRINTED}</p>
<script>
  const put = (host, mode, html) => {{
    const root = document.getElementById(host).attachShadow({{mode}});
    root.innerHTML = html;
    return root;
  }};
  put('scripted', 'open', '<p>{PRINTED}</p>');
  window.secret = put('closed', 'closed', '<p>{PRINTED}</p>');
  customElements.define('call-us', class extends HTMLElement {{
    connectedCallback() {{
      this.attachShadow({{mode: 'open'}}).innerHTML = '<b>Call {PRINTED}</b><call-inner></call-inner>';
    }}
  }});
  customElements.define('call-inner', class extends HTMLElement {{
    constructor() {{ super(); this.attachShadow({{mode: 'open'}}); }}
    connectedCallback() {{ setTimeout(() => {{ this.shadowRoot.innerHTML = '<i>{PRINTED}</i>'; }}); }}
  }});
</script>"""


async def test_open_shadow_roots_whenever_they_come(visitor: Visitor, site: Site, shop: Shop) -> None:
    page = visitor.page
    await visitor.open(site.page(ROOTS, (await shop.tag()).snippet()))
    number = await visitor.leased()
    await visitor.sees("#light", PRINTED, number)
    # playwright's selectors look into open roots.
    for inside in ("#declared > p", "#nested a", "#scripted p"):
        await visitor.sees(inside, PRINTED, number)
    await expect(page.locator("#nested a")).to_have_attribute("href", f"tel:{number}")

    # A root that is attached to an element of old, and filled, changes nothing that an observer of the page could see.
    await page.evaluate(f"put('late', 'open', '<p>{PRINTED}</p>')")
    await visitor.sees("#late p", PRINTED, number)
    # A custom element that draws itself, one within another; and one that was parsed before it was known.
    await page.evaluate("document.body.append(document.createElement('call-us'))")
    await visitor.sees("call-us b", f"Call {PRINTED}", number)
    await visitor.sees("call-inner i", PRINTED, number)
    # What changes within a root later.
    await page.evaluate(f"document.querySelector('#scripted').shadowRoot.querySelector('p').textContent = '{PRINTED}!'")
    await visitor.sees("#scripted p", f"{PRINTED}!", number)
    await page.evaluate(
        f"document.querySelector('#declared').shadowRoot.querySelector('#nested').shadowRoot"
        f".append(Object.assign(document.createElement('p'), {{textContent: '{PRINTED}'}}))"
    )
    await visitor.sees("#nested p", PRINTED, number)

    assert await page.evaluate("secret.textContent") == PRINTED
    await page.evaluate("dni.restore()")
    for inside in ("#declared > p", "#nested a", "#late p", "call-inner i", "#light"):
        await expect(page.locator(inside)).to_have_text(PRINTED)


async def test_an_element_that_was_parsed_before_its_class(visitor: Visitor, site: Site, shop: Shop) -> None:
    await visitor.open(site.page(f'<p id="light">{PRINTED}</p><call-later></call-later>', (await shop.tag()).snippet()))
    number = await visitor.leased()
    await visitor.sees("#light", PRINTED, number)
    await visitor.page.evaluate(
        f"""customElements.define('call-later', class extends HTMLElement {{
          constructor() {{ super(); this.attachShadow({{mode: 'open'}}).innerHTML = '<u>{PRINTED}</u>'; }}
        }})"""
    )
    await visitor.sees("call-later u", PRINTED, number)


async def test_frames_of_the_same_origin(visitor: Visitor, site: Site, shop: Shop) -> None:
    page = visitor.page
    inner = site.page(f'<p id="in">{PRINTED}</p><a href="tel:+14155550100">Call</a>')
    other = site.page(f'<p id="in">Other {PRINTED}</p>')
    foreign = other.replace("127.0.0.1", "localhost")
    body = f"""<p id="light">{PRINTED}</p>
      <iframe id="by-src" src="{inner}"></iframe>
      <iframe id="by-text" srcdoc='<p id="in">{PRINTED}</p>'></iframe>
      <iframe id="foreign" src="{foreign}"></iframe>"""
    await visitor.open(site.page(body, (await shop.tag()).snippet()))
    number = await visitor.leased()
    await visitor.sees("#light", PRINTED, number)
    shown = like(PRINTED, number)

    await expect(page.frame_locator("#by-src").locator("#in")).to_have_text(shown)
    await expect(page.frame_locator("#by-src").locator("a")).to_have_attribute("href", f"tel:{number}")
    await expect(page.frame_locator("#by-text").locator("#in")).to_have_text(shown)

    # Added later, filled by a script, and one that goes on to another page.
    await page.evaluate(
        f"""document.body.append(Object.assign(document.createElement('iframe'), {{
          id: 'made', srcdoc: '<p id="in">{PRINTED}</p>'
        }}))"""
    )
    await expect(page.frame_locator("#made").locator("#in")).to_have_text(shown)
    await page.evaluate(
        f"""const blank = Object.assign(document.createElement('iframe'), {{id: 'blank'}});
        document.body.append(blank);
        blank.contentDocument.body.innerHTML = '<p id="in">{PRINTED}</p>'"""
    )
    await expect(page.frame_locator("#blank").locator("#in")).to_have_text(shown)
    await page.evaluate(f"document.getElementById('by-src').src = '{other}'")
    await expect(page.frame_locator("#by-src").locator("#in")).to_have_text(f"Other {shown}")
    await page.frame_locator("#by-text").locator("#in").evaluate(f"p => {{ p.textContent = 'again {PRINTED}' }}")
    await expect(page.frame_locator("#by-text").locator("#in")).to_have_text(f"again {shown}")

    # Of another origin: out of reach, and nothing is said about it.
    await expect(page.frame_locator("#foreign").locator("#in")).to_have_text(f"Other {PRINTED}")


async def test_a_frame_that_has_the_tag_too_shows_the_same_number(visitor: Visitor, site: Site, shop: Shop) -> None:
    tag = await shop.tag()
    inner = site.page(f'<p id="in">{PRINTED}</p>', tag.snippet())
    frame = f'<iframe id="frame" src="{inner}"></iframe>'
    await visitor.open(site.page(f'<p id="light">{PRINTED}</p>{frame}', tag.snippet()))
    await visitor.page.wait_for_function(
        """printed => {
          const light = document.querySelector('#light').textContent;
          const inner = document.querySelector('#frame').contentDocument.querySelector('#in');
          return light !== printed && inner && inner.textContent === light;
        }""",
        arg=PRINTED,
        timeout=5_000,
    )
