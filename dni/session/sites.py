"""Sites that send visitors, by host, Android package and the names that marketers use. Our own table.

Packages for this date from 2021 and before and know neither today's assistants nor x.com.
"""

from typing import NamedTuple


class Site(NamedTuple):
    """A site's name as reports show it; its category, a key of MEDIUM_OF or PASSAGE; `words`: the query parameters
    of its addresses that say what somebody searched for, the best first."""

    name: str
    category: str
    words: tuple[str, ...] = ()


MEDIUM_OF = {
    "search": "organic",
    "social": "social",
    "video": "video",
    "shopping": "shopping",
    "mail": "email",
    "ai": "ai-assistant",
}
"""Medium of a visit known by its referrer alone. `ai-assistant` is GA4's own value since May 2026."""

PASSAGE = "passage"
"""Category of sites that a visitor only passes on his way: he pays or signs in there and comes back."""

_SITES = {
    "search": """
        google      google.* maps.google.* images.google.* lens.google.* cse.google.* news.google.* scholar.google.*
        google      books.google.* encrypted.google.com ipv4.google.com ipv6.google.com maps.app.goo.gl g.page g.co
        google      share.google search.app *.syndicatedsearch.goog com.google.android.googlequicksearchbox
        google      com.google.android.apps.maps com.google.android.apps.searchlite com.google.android.apps.magazines
        google      adwords googleads google_ads google-ads gmb gbp
        bing        *.bing.com com.microsoft.bing bingads bing_ads bing-ads microsoft_ads
        yahoo       yahoo.* *.search.yahoo.* m.yahoo.* uk.yahoo.com ca.yahoo.com us.yahoo.com au.yahoo.com de.yahoo.com
        yahoo       fr.yahoo.com es.yahoo.com it.yahoo.com br.yahoo.com mx.yahoo.com ar.yahoo.com in.yahoo.com
        yahoo       nl.yahoo.com pl.yahoo.com se.yahoo.com id.yahoo.com sg.yahoo.com hk.yahoo.com tw.yahoo.com
        yahoo       ph.yahoo.com vn.yahoo.com espanol.yahoo.com qc.yahoo.com ?p
        duckduckgo  *.duckduckgo.com *.duck.com *.ddg.gg ddg com.duckduckgo.mobile.android
        duckduckgo  duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion
        brave       search.brave.com
        ecosia      *.ecosia.org com.ecosia.android
        startpage   *.startpage.com *.startpage.nl *.ixquick.com ?query ?q
        qwant       *.qwant.com *.qwantjunior.com com.qwant.liberty
        kagi        *.kagi.com
        mojeek      *.mojeek.com *.mojeek.co.uk
        swisscows   *.swisscows.com *.swisscows.ch ?query
        presearch   *.presearch.com *.presearch.org *.presearch.io
        metager     *.metager.org *.metager.de ?eingabe
        marginalia  *.marginalia.nu *.marginalia-search.com ?query
        ghostery    *.ghosterysearch.com *.glowstery.com
        yep.com     *.yep.com
        stract      *.stract.com
        mwmbl       *.mwmbl.org
        gibiru      *.gibiru.com
        lilo        *.lilo.org
        karmasearch karmasearch.org *.karmasearch.org
        ekoru       *.ekoru.org
        oceanhero   *.oceanhero.today
        givero      *.givero.com
        luxxle      *.luxxle.com
        freespoke   *.freespoke.com
        tusksearch  *.tusksearch.com
        privacywall *.privacywall.org
        lukol       *.lukol.com
        searchencrypt *.searchencrypt.com
        oscobo      *.oscobo.com
        searx       *.baresearch.org *.searx.be *.searx.space *.searx.me *.priv.au
        wolframalpha *.wolframalpha.com ?i
        dogpile     *.dogpile.com
        metacrawler *.metacrawler.com
        webcrawler  *.webcrawler.com
        excite      *.excite.com *.excite.co.jp
        info.com    *.info.com
        infospace   *.infospace.com
        zapmeta     *.zapmeta.*
        izito       *.izito.*
        entireweb   *.entireweb.com
        kiddle      *.kiddle.co
        goodsearch  *.goodsearch.com
        hotbot      *.hotbot.com
        search.com  *.search.com
        myway       *.myway.com
        ask         *.ask.com ?q ?searchfor
        aol         aol.* m.aol.com *.search.aol.* aolsearch.aol.com
        msn         *.msn.com *.msn.cn
        lycos       *.lycos.* ?q ?query
        xfinity     *.xfinity.com
        yandex      yandex.* m.yandex.* images.yandex.* news.yandex.* maps.yandex.* ya.ru *.ya.ru xn--d1acpjx3f.xn--p1ai
        yandex      ru.yandex.searchplugin com.yandex.browser com.yandex.searchapp ?text ?q
        mail.ru-search go.mail.ru *.search.mail.ru
        rambler     *.rambler.ru ?query
        baidu       *.baidu.com *.baidu.cn *.hao123.com com.baidu.searchbox ?wd ?word
        sogou       *.sogou.com *.sogo.com ?query ?keyword
        so.com      *.so.com *.haosou.com *.360.cn com.qihoo.haosou
        shenma      *.sm.cn *.quark.cn
        toutiao     so.toutiao.com ?keyword
        chinaso     *.chinaso.com
        naver       *.search.naver.com naver.com m.naver.com com.nhn.android.search ?query
        daum        *.search.daum.net daum.net m.daum.net net.daum.android.daum
        nate        *.search.nate.com nate.com m.nate.com
        zum         *.zum.com ?query
        goo.ne.jp   *.search.goo.ne.jp search.goo.ne.jp ?mt
        nifty       *.search.nifty.com ?q ?text
        biglobe     *.search.biglobe.ne.jp
        docomo      *.search.smt.docomo.ne.jp ?mt
        auone       *.search.auone.jp
        rakuten-search websearch.rakuten.co.jp ?qt
        coccoc      *.coccoc.com ?query
        petal       *.petalsearch.com ?query
        seznam      *.search.seznam.cz seznam.cz m.seznam.cz
        firmy       *.firmy.cz
        centrum     *.search.centrum.cz centrum.cz
        zoznam      zoznam.sk
        onet        szukaj.onet.pl
        wp.pl       szukaj.wp.pl
        t-online    suche.t-online.de
        gmx-search  suche.gmx.net suche.gmx.at suche.gmx.ch suche.gmx.de search.gmx.com search.gmx.net
        web.de-search suche.web.de
        search.ch   *.search.ch
        virgilio    ricerca.virgilio.it virgilio.it ?qs
        libero      ricerca.libero.it ?qs
        orange      lemoteur.orange.fr ?kw
        sapo        pesquisa.sapo.pt
        uol         busca.uol.com.br
        kvasir      *.kvasir.no
        startsiden  *.startsiden.no
        eniro       *.eniro.se *.eniro.com
        mynet       *.arama.mynet.com
        walla       search.walla.co.il
        neti        *.neti.ee
        najdi       *.najdi.si
        parsijoo    *.parsijoo.ir
        zarebin     *.zarebin.ir
        """,
    "social": """
        facebook    *.facebook.com *.fb.com fb.me *.fb.me fb.watch fb.gg fb meta an *.workplace.com
        facebook    com.facebook.katana com.facebook.lite com.facebook.groups com.facebook.pages.app
        facebook    facebookwkhpilnemxj7asaniu7vnjjbiltxjqhye3mhbshg7kx5tfyd.onion
        messenger   *.messenger.com m.me msg com.facebook.orca com.facebook.mlite
        instagram   *.instagram.com instagr.am ig.me ig com.instagram.android com.instagram.lite
        threads     *.threads.net *.threads.com com.instagram.barcelona
        whatsapp    *.whatsapp.com *.whatsapp.net wa.me l.wl.co wa com.whatsapp com.whatsapp.w4b
        x           *.x.com *.twitter.com t.co nitter.net xcancel.com *.tweetdeck.com twitter x.com com.twitter.android
        x           com.twitter.android.lite
        linkedin    *.linkedin.com lnkd.in *.lnkd.in com.linkedin.android
        reddit      *.reddit.com redd.it *.redd.it com.reddit.frontpage
        pinterest   *.pinterest.* pin.it *.pin.it com.pinterest com.pinterest.twa
        tiktok      *.tiktok.com *.tiktokv.com com.zhiliaoapp.musically com.ss.android.ugc.trill
        douyin      *.douyin.com *.iesdouyin.com com.ss.android.ugc.aweme
        snapchat    *.snapchat.com snap com.snapchat.android
        nextdoor    *.nextdoor.* com.nextdoor
        alignable   *.alignable.com
        yelp        *.yelp.* com.yelp.android
        tripadvisor *.tripadvisor.* com.tripadvisor.tripadvisor
        trustpilot  *.trustpilot.com
        houzz       *.houzz.*
        glassdoor   *.glassdoor.*
        foursquare  *.foursquare.com 4sq.com
        quora       *.quora.com com.quora.android
        tumblr      *.tumblr.com t.umblr.com tmblr.co href.li com.tumblr
        discord     *.discord.com *.discord.gg *.discordapp.com com.discord
        telegram    *.telegram.org t.me *.t.me telegram.me telegram.dog org.telegram.messenger
        telegram    org.telegram.messenger.web org.telegram.plus org.thunderdog.challegram
        signal.me   signal.me signal.group org.thoughtcrime.securesms
        viber       *.viber.com com.viber.voip
        skype       *.skype.com com.skype.raider
        google-chat chat.google.com groups.google.com messages.google.com com.google.android.apps.messaging
        google-chat com.google.android.apps.dynamite
        yammer      *.yammer.com engage.cloud.microsoft com.yammer.v1
        slack       *.slack.com slack-redir.net com.slack
        microsoft-teams teams.microsoft.com teams.live.com teams.cloud.microsoft *.teams.cdn.office.net
        microsoft-teams com.microsoft.teams
        bluesky     *.bsky.app *.bsky.social bsky deck.blue xyz.blueskyweb.app
        mastodon    *.mas.to *.mstdn.social fosstodon.org hachyderm.io infosec.exchange chaos.social techhub.social
        mastodon    mas.to c.im aus.social mamot.fr piaille.fr troet.cafe norden.social toot.community toot.io
        mastodon    universeodon.com kolektiva.social sfba.social social.vivaldi.net social.lol ioc.exchange
        mastodon    mathstodon.xyz pawoo.net journa.host newsie.social home.social indieweb.social masto.ai
        mastodon    joinmastodon.org *.joinmastodon.org org.joinmastodon.android com.keylesspalace.tusky elk.zone
        pixelfed    pixelfed.social pixelfed.de
        misskey     *.misskey.io
        lemmy       lemmy.world lemmy.ml lemmy.ca lemm.ee beehaw.org sh.itjust.works programming.dev feddit.org
        vk          *.vk.com *.vk.ru vk.cc vk.me vkontakte.ru com.vkontakte.android
        ok          *.ok.ru *.odnoklassniki.ru ru.ok.android
        my.mail.ru  my.mail.ru connect.mail.ru
        dzen        *.dzen.ru zen.yandex.ru zen.yandex.com
        livejournal *.livejournal.com
        pikabu      *.pikabu.ru
        habr        *.habr.com
        weibo       *.weibo.com *.weibo.cn t.cn com.sina.weibo
        wechat      *.wechat.com *.weixin.qq.com com.tencent.mm
        qq          qzone.qq.com *.qzone.qq.com im.qq.com com.tencent.mobileqq
        xiaohongshu *.xiaohongshu.com xhslink.com *.rednote.com com.xingin.xhs
        zhihu       *.zhihu.com com.zhihu.android
        douban      *.douban.com
        tieba       tieba.baidu.com
        kuaishou    *.kuaishou.com com.kuaishou.nebula com.smile.gifmaker
        line        *.line.me lin.ee *.lin.ee jp.naver.line.android
        kakao       *.kakao.com *.kakao.co.kr com.kakao.talk kakaotalk
        band.us     *.band.us com.nhn.android.band
        naver-blog  *.blog.naver.com *.cafe.naver.com *.kin.naver.com *.post.naver.com
        daum-cafe   *.cafe.daum.net *.tistory.com
        zalo        *.zalo.me com.zing.zalo
        mixi        *.mixi.jp
        ameblo      *.ameblo.jp *.ameba.jp
        note.com    *.note.com
        hatena      *.hatena.ne.jp *.hatenablog.com
        pixiv       *.pixiv.net
        fc2         *.fc2.com
        chiebukuro  *.chiebukuro.yahoo.co.jp
        5ch         *.5ch.net
        plurk       *.plurk.com
        dcard       *.dcard.tw
        ptt         *.ptt.cc
        lihkg       *.lihkg.com
        sharechat   *.sharechat.com
        xing        *.xing.com
        viadeo      *.viadeo.com
        wykop       *.wykop.pl
        taringa     *.taringa.net
        gutefrage   *.gutefrage.net
        truthsocial *.truthsocial.com com.truthsocial.android.app
        gab         *.gab.com
        gettr       *.gettr.com
        parler      *.parler.com
        mewe        *.mewe.com
        minds.com   *.minds.com
        locals.com  *.locals.com
        vero.co     *.vero.co
        bereal      *.bereal.com *.bere.al
        lemon8      *.lemon8-app.com
        clubhouse   *.clubhouse.com *.joinclubhouse.com
        spoutible   *.spoutible.com
        farcaster   *.farcaster.xyz *.warpcast.com
        nostr       *.primal.net *.damus.io
        counter.social *.counter.social
        micro.blog  *.micro.blog
        vsco        *.vsco.co
        likee       *.likee.video
        weverse     *.weverse.io
        4chan       *.4chan.org *.4channel.org
        steamcommunity *.steamcommunity.com
        fetlife     *.fetlife.com
        twoo        *.twoo.com
        caringbridge *.caringbridge.org
        circle.so   *.circle.so
        skool       *.skool.com
        mightynetworks *.mn.co
        tapatalk    *.tapatalk.com
        myspace     *.myspace.com
        classmates  *.classmates.com
        tagged      *.tagged.com *.hi5.com
        couchsurfing *.couchsurfing.com *.couchsurfing.org
        internations *.internations.org
        draugiem    *.draugiem.lv
        suomi24     *.suomi24.fi
        meneame     *.meneame.net
        skyrock     *.skyrock.com
        renren      *.renren.com
        dianping    *.dianping.com
        v2ex        *.v2ex.com
        badoo       *.badoo.com
        ning        *.ning.com
        meetup      *.meetup.com meetu.ps com.meetup
        hackernews  news.ycombinator.com
        lobsters    lobste.rs
        producthunt *.producthunt.com
        indiehackers *.indiehackers.com
        slashdot    *.slashdot.org
        stackoverflow *.stackoverflow.com *.stackexchange.com superuser.com serverfault.com askubuntu.com
        devto       dev.to
        medium      *.medium.com com.medium.reader
        substack    *.substack.com com.substack.app
        blogger     *.blogger.com *.blogspot.com
        disqus      *.disqus.com disq.us
        flickr      *.flickr.com flic.kr
        500px       *.500px.com
        imgur       *.imgur.com
        9gag        *.9gag.com
        deviantart  *.deviantart.com
        behance     *.behance.net
        dribbble    *.dribbble.com
        goodreads   *.goodreads.com
        researchgate *.researchgate.net
        academia    *.academia.edu
        slideshare  *.slideshare.net
        ravelry     *.ravelry.com
        wordpress   *.wordpress.com
        typepad     *.typepad.com *.over-blog.com
        wattpad     *.wattpad.com
        letterboxd  *.letterboxd.com
        strava      *.strava.com
        soundcloud  *.soundcloud.com exit.sc
        last.fm     *.last.fm
        patreon     *.patreon.com
        stocktwits  *.stocktwits.com
        fark        *.fark.com
        digg        *.digg.com
        diigo       *.diigo.com
        pinboard    *.pinboard.in
        scoop.it    *.scoop.it
        flipboard   *.flipboard.com flipboard.app flip.it
        getpocket.com *.getpocket.com
        instapaper  *.instapaper.com
        mix.com     *.mix.com
        hootsuite   *.hootsuite.com ow.ly
        buffer      *.buffer.com
        linktree    *.linktr.ee
        beacons.ai  *.beacons.ai
        lnk.bio     *.lnk.bio linkin.bio bio.link *.bio.site *.campsite.bio
        """,
    "video": """
        youtube     *.youtube.com youtu.be *.youtube-nocookie.com yt com.google.android.youtube
        youtube     com.google.android.apps.youtube.music
        vimeo       *.vimeo.com com.vimeo.android.videoapp
        dailymotion *.dailymotion.com dai.ly com.dailymotion.dailymotion
        twitch      *.twitch.tv tv.twitch.android.app
        kick.com    *.kick.com
        rumble      *.rumble.com
        odysee      *.odysee.com
        bitchute    *.bitchute.com
        wistia      *.wistia.com *.wistia.net
        vidyard     *.vidyard.com
        loom        *.loom.com
        brightcove  *.brightcove.com *.brightcove.net
        streamable  *.streamable.com
        ted         *.ted.com
        netflix     *.netflix.com
        hulu        *.hulu.com
        disneyplus  *.disneyplus.com
        crackle     *.crackle.com
        veoh        *.veoh.com
        metacafe    *.metacafe.com
        bilibili    *.bilibili.com *.bilibili.tv b23.tv tv.danmaku.bili
        youku       *.youku.com
        iqiyi       *.iqiyi.com *.iq.com
        tencent-video v.qq.com *.v.qq.com wetv.vip
        ixigua      *.ixigua.com
        niconico    *.nicovideo.jp nico.ms
        abema       *.abema.tv
        naver-tv    tv.naver.com chzzk.naver.com
        soop        *.sooplive.co.kr *.sooplive.com *.afreecatv.com
        kakao-tv    tv.kakao.com
        rutube      *.rutube.ru
        vk-video    *.vkvideo.ru
        coub        *.coub.com
        hotstar     *.hotstar.com
        """,
    "shopping": """
        amazon      *.amazon.* amzn.to *.amzn.to a.co amzn.eu amzn.asia com.amazon.mshop.android.shopping
        amazon      in.amazon.mshop.android.shopping
        ebay        *.ebay.* ebay.us com.ebay.mobile
        kleinanzeigen *.kleinanzeigen.de
        etsy        *.etsy.com etsy.me com.etsy.android
        walmart     *.walmart.* com.walmart.android
        target      *.target.com com.target.ui
        bestbuy     *.bestbuy.com *.bestbuy.ca
        costco      *.costco.*
        homedepot   *.homedepot.com *.homedepot.ca
        lowes       *.lowes.com
        wayfair     *.wayfair.*
        overstock   *.overstock.com
        newegg      *.newegg.com *.newegg.ca
        macys       *.macys.com
        kohls       *.kohls.com
        samsclub    *.samsclub.com
        chewy       *.chewy.com
        woot        *.woot.com
        groupon     *.groupon.*
        instacart   *.instacart.com
        aliexpress  *.aliexpress.* com.alibaba.aliexpresshd
        alibaba     *.alibaba.com *.1688.com
        taobao      *.taobao.com *.tmall.com com.taobao.taobao
        jd          *.jd.com *.joybuy.com
        pinduoduo   *.pinduoduo.com *.yangkeduo.com
        temu        *.temu.com com.einnovation.temu
        shein       *.shein.* com.zzkko
        wish.com    *.wish.com
        banggood    *.banggood.com
        dhgate      *.dhgate.com
        shopee      *.shopee.*
        lazada      *.lazada.*
        tokopedia   *.tokopedia.com
        bukalapak   *.bukalapak.com
        flipkart    *.flipkart.com com.flipkart.android
        myntra      *.myntra.com
        meesho      *.meesho.com
        snapdeal    *.snapdeal.com
        rakuten     *.rakuten.* *.rakuten.co.jp
        yahoo-shopping shopping.yahoo.* *.shopping.yahoo.* auctions.yahoo.co.jp *.auctions.yahoo.co.jp
        yahoo-shopping paypaymall.yahoo.co.jp
        zozo        *.zozo.jp
        kakaku      *.kakaku.com
        mercari     *.mercari.com
        coupang     *.coupang.com com.coupang.mobile
        gmarket     *.gmarket.co.kr *.auction.co.kr
        11st        *.11st.co.kr
        naver-shopping *.shopping.naver.com *.smartstore.naver.com *.brand.naver.com
        qoo10       *.qoo10.com *.qoo10.jp
        mercadolibre *.mercadolibre.* *.mercadolivre.* com.mercadolibre
        magalu      *.magazineluiza.com.br *.magalu.com
        americanas  *.americanas.com.br
        falabella   *.falabella.com *.falabella.com.pe *.falabella.com.co
        allegro     *.allegro.*
        olx         *.olx.*
        vinted      *.vinted.* vinted.com fr.vinted
        zalando     *.zalando.*
        otto.de     *.otto.de
        idealo      *.idealo.*
        bol.com     *.bol.com
        cdiscount   *.cdiscount.com
        fnac        *.fnac.com *.fnac.es *.fnac.be
        leboncoin   *.leboncoin.fr
        manomano    *.manomano.*
        argos       *.argos.co.uk
        gumtree     *.gumtree.com *.gumtree.com.au
        asos        *.asos.com
        ikea        *.ikea.com
        emag        *.emag.*
        trendyol    *.trendyol.com
        hepsiburada *.hepsiburada.com
        n11         *.n11.com
        noon.com    *.noon.com
        jumia       *.jumia.* *.jumia.com.ng
        takealot    *.takealot.com
        ozon        *.ozon.ru
        wildberries *.wildberries.ru *.wb.ru
        yandex-market market.yandex.* *.market.yandex.ru
        avito       *.avito.ru
        rozetka     *.rozetka.com.ua
        heureka     *.heureka.*
        poshmark    *.poshmark.*
        depop       *.depop.com
        stockx      *.stockx.com
        offerup     *.offerup.com
        kijiji      *.kijiji.ca
        craigslist  *.craigslist.org
        shop.app    *.shop.app com.shopify.arrive
        shopify     *.shopify.com *.myshopify.com
        shopzilla   *.shopzilla.com
        pricegrabber *.pricegrabber.com
        twenga      *.twenga.*
        google-shopping shopping.google.* googleshopping igshopping
        """,
    "mail": """
        gmail       mail.google.com inbox.google.com *.googlemail.com com.google.android.gm com.google.android.gm.lite
        yahoo-mail  *.mail.yahoo.* currently.att.yahoo.com com.yahoo.mobile.client.android.mail
        outlook     outlook.live.com *.outlook.com *.mail.live.com outlook.office.com outlook.office365.com
        outlook     outlook.cloud.microsoft outlook.office.de *.hotmail.com com.microsoft.office.outlook
        aol-mail    *.mail.aol.com com.aol.mobile.aolapp
        icloud-mail *.icloud.com
        proton-mail mail.proton.me *.protonmail.com *.protonmail.ch ch.protonmail.android
        tuta        *.tuta.com *.tutanota.com de.tutao.tutanota
        fastmail    *.fastmail.com *.fastmail.fm com.fastmail.app
        hey         app.hey.com com.basecamp.hey
        zoho-mail   mail.zoho.* com.zoho.mail
        comcast-mail *.mail.comcast.net connect.xfinity.com
        gmx-mail    *.gmx.net *.gmx.com *.gmx.de *.gmx.at *.gmx.ch *.gmx.fr *.gmx.co.uk deref-gmx.net deref-gmx.com
        gmx-mail    de.gmx.mobile.android.mail
        web.de-mail *.web.de deref-web.de deref-web-02.de de.web.mobile.android.mail
        mail.com    *.mail.com deref-mail.com
        1und1-mail  deref-1und1.de deref-1und1-02.de
        mailbox.org *.mailbox.org
        inbox.lv    *.inbox.lv *.inbox.lt *.inbox.eu
        inbox.com   *.inbox.com
        freemail    *.freemail.hu *.citromail.hu
        abv         *.abv.bg *.mail.bg
        rediffmail  *.rediffmail.com
        hanmail     *.hanmail.net
        posteo      *.posteo.de
        mailfence   *.mailfence.com
        hushmail    *.hushmail.com
        runbox      *.runbox.com
        startmail   *.startmail.com
        superhuman  *.superhuman.com
        shortwave   app.shortwave.com
        missive     *.missiveapp.com
        frontapp    *.frontapp.com
        rackspace-mail apps.rackspace.com *.emailsrvr.com
        privateemail *.privateemail.com
        titan-mail  *.titan.email
        t-online-mail email.t-online.de
        orange-mail messagerie.orange.fr mail01.orange.fr
        laposte-mail *.laposte.net
        mail.ru     e.mail.ru touch.mail.ru light.mail.ru m.mail.ru octavius.mail.ru click.mail.ru ru.mail.mailapp
        rambler-mail mail.rambler.ru
        yandex-mail mail.yandex.* ru.yandex.mail
        qq-mail     *.mail.qq.com exmail.qq.com com.tencent.androidqqmail
        netease-mail *.mail.163.com *.mail.126.com *.mail.yeah.net qiye.163.com com.netease.mail
        aliyun-mail qiye.aliyun.com
        android-mail com.samsung.android.email.provider com.android.email me.bluemail.mail com.readdle.spark
        android-mail com.fsck.k9 net.thunderbird.android eu.faircode.email com.edison.mail com.easilydo.mail
        mail-gateway *.urldefense.com *.urldefense.us urldefense.proofpoint.com *.mimecast.com *.mimecastprotect.com
        mail-gateway *.cudasvc.com secure-web.cisco.com *.protection.sophos.com clicktime.symantec.com
        mail-gateway *.emailprotection.link protect2.fireeye.com
        mailchimp   *.list-manage.com *.mailchi.mp *.campaign-archive.com
        constantcontact *.rs6.net *.constantcontact.com
        """,
    "ai": """
        chatgpt.com *.chatgpt.com *.openai.com chat.com chatgpt openai com.openai.chatgpt
        perplexity.ai *.perplexity.ai pplx.ai perplexity ai.perplexity.app.android ai.perplexity.comet
        gemini.google.com gemini.google.com gemini.google bard.google.com aistudio.google.com gemini bard
        gemini.google.com com.google.android.apps.bard
        notebooklm.google.com notebooklm.google.com notebooklm.google notebooklm
        notebooklm.google.com com.google.android.apps.labs.language.tailwind
        copilot.microsoft.com copilot.microsoft.com *.copilot.com m365.cloud.microsoft copilot.cloud.microsoft
        copilot.microsoft.com edgeservices.bing.com sydney.bing.com copilot com.microsoft.copilot
        claude.ai   *.claude.ai *.claude.com *.anthropic.com claude anthropic com.anthropic.claude
        grok.com    *.grok.com grok.x.com *.x.ai grok ai.x.grok
        meta.ai     *.meta.ai com.facebook.stella
        deepseek.com *.deepseek.com deepseek com.deepseek.chat
        mistral.ai  *.mistral.ai mistral ai.mistral.chat
        you.com     *.you.com com.you.browser
        poe.com     *.poe.com poe com.poe.android
        phind.com   *.phind.com
        duck.ai     *.duck.ai
        lumo.proton.me lumo.proton.me
        character.ai *.character.ai c.ai ai.character.app
        pi.ai       *.pi.ai com.inflection.android
        replika.com *.replika.com *.replika.ai
        kimi.com    *.kimi.com *.kimi.ai *.moonshot.cn *.moonshot.ai kimi com.moonshot.kimichat
        qwen.ai     *.qwen.ai tongyi.aliyun.com qianwen.aliyun.com *.tongyi.com *.qianwen.com qwen com.aliyun.tongyi
        doubao.com  *.doubao.com doubao com.larus.nova
        dola.com    *.dola.com *.cici.com
        ernie.baidu.com yiyan.baidu.com ernie.baidu.com chat.baidu.com wenxin.baidu.com wenxiaoyan.baidu.com
        yuanbao.tencent.com *.yuanbao.tencent.com *.hunyuan.tencent.com com.tencent.hunyuan.app.chat
        chatglm.cn  *.chatglm.cn
        z.ai        *.z.ai
        minimax.io  *.minimax.io *.minimaxi.com *.hailuoai.com *.hailuoai.video
        stepfun.com *.stepfun.com *.yuewen.cn
        metaso.cn   *.metaso.cn
        n.cn        *.n.cn
        xfyun.cn    xinghuo.xfyun.cn
        tiangong.cn *.tiangong.cn
        giga.chat   *.giga.chat *.gigachat.ru
        alice.yandex.ru alice.yandex.ru
        clova-x.naver.com clova-x.naver.com
        wrtn.ai     *.wrtn.ai *.wrtn.io
        liner.com   *.liner.com *.getliner.com
        felo.ai     *.felo.ai
        genspark.ai *.genspark.ai
        manus.im    *.manus.im
        huggingface.co *.huggingface.co
        lmarena.ai  *.lmarena.ai chat.lmsys.org
        openrouter.ai *.openrouter.ai
        groq.com    *.groq.com
        cohere.com  *.cohere.com
        venice.ai   *.venice.ai
        t3.chat     *.t3.chat
        iask.ai     *.iask.ai
        komo.ai     *.komo.ai
        andisearch.com *.andisearch.com
        exa.ai      *.exa.ai
        consensus.app *.consensus.app
        elicit.com  *.elicit.com *.elicit.org
        openevidence.com *.openevidence.com
        blackbox.ai *.blackbox.ai
        monica.im   *.monica.im
        sider.ai    *.sider.ai
        merlin.ai   *.getmerlin.in
        chatsonic.com *.chatsonic.com *.writesonic.com
        jasper.ai   *.jasper.ai
        copy.ai     *.copy.ai
        chathub.gg  *.chathub.gg
        alexa.com   *.alexa.com
        amazon-nova nova.amazon.com rufus.amazon.com
        inceptionlabs.ai *.inceptionlabs.ai
        euria       euria.infomaniak.com
        janitorai.com *.janitorai.com
        talkie-ai.com *.talkie-ai.com
        deepai.org  *.deepai.org
        reka.ai     *.reka.ai
        together.ai chat.together.ai
        scite.ai    *.scite.ai
        scispace.com *.scispace.com *.typeset.io
        ima.qq.com  ima.qq.com
        """,
    PASSAGE: """
        paypal      *.paypal.com *.paypalobjects.com *.braintreegateway.com *.braintree-api.com *.venmo.com
        stripe      *.stripe.com *.stripe.network *.link.com
        klarna      *.klarna.com *.klarnaservices.com *.klarnacdn.net *.sofort.com
        adyen       *.adyen.com *.adyenpayments.com
        square      *.squareup.com checkout.square.site *.cash.app
        afterpay    *.afterpay.com *.clearpay.co.uk *.clearpay.com
        affirm      *.affirm.com *.affirm.ca
        sezzle      *.sezzle.com
        zip         *.zip.co *.quadpay.com
        splitit     *.splitit.com
        wisetack    *.wisetack.com *.wisetack.us
        greensky    *.greensky.com
        synchrony   *.synchrony.com *.mysynchrony.com *.syf.com
        amazon-pay  pay.amazon.* payments.amazon.* *.payments-amazon.com
        google-pay  pay.google.com payments.google.com
        shop-pay    checkout.shopify.com pay.shopify.com pay.shop.app
        worldpay    *.worldpay.com *.fisglobal.com *.vantiv.com
        opayo       *.sagepay.com *.opayo.eu *.opayo.co.uk *.elavon.com *.convergepay.com *.elavongateway.com
        authorize   *.authorize.net *.cybersource.com *.cardinalcommerce.com
        checkout.com *.checkout.com *.cko.com
        2checkout   *.2checkout.com *.2co.com *.verifone.cloud
        globalpay   *.globalpay.com *.globalpaymentsinc.com *.realexpayments.com *.heartlandpaymentsystems.com
        nmi         *.nmi.com *.networkmerchants.com
        bluesnap    *.bluesnap.com
        moneris     *.moneris.com
        clover      *.clover.com
        fastspring  *.fastspring.com *.onfastspring.com
        paddle      *.paddle.com *.paddle.net
        chargebee   *.chargebee.com *.recurly.com
        thrivecart  *.thrivecart.com
        xsolla      *.xsolla.com
        skrill      *.skrill.com *.neteller.com *.paysafe.com *.paysafecard.com
        bitpay      *.bitpay.com *.coingate.com commerce.coinbase.com
        gocardless  *.gocardless.com
        trustly     *.trustly.com
        mollie      *.mollie.com
        multisafepay *.multisafepay.com
        buckaroo    *.buckaroo.nl *.pay.nl *.icepay.com *.ideal.nl
        worldline   *.worldline-solutions.com *.worldline.com *.ogone.com *.saferpay.com *.sips-services.com
        datatrans   *.datatrans.com *.datatrans.ch *.postfinance.ch *.twint.ch *.payrexx.com *.wallee.com
        unzer       *.unzer.com *.heidelpay.com *.computop-paygate.com *.giropay.de *.secupay.com *.payone.com
        payplug     *.payplug.com *.payzen.eu *.lyra.com *.paybox.com *.payline.com *.hipay.com *.hipay-tpp.com
        redsys      *.redsys.es
        nexi        *.nexi.it *.satispay.com *.gestpay.net
        payu        *.payu.* *.przelewy24.pl *.tpay.com *.dotpay.pl *.paynow.pl *.comgate.cz *.gopay.* *.barion.com
        payu        *.simplepay.hu *.mobilpay.ro *.netopia-payments.com
        nets        *.nets.eu *.dibspayment.eu *.dibspayment.com *.bambora.com *.quickpay.net *.payex.com *.paytrail.com
        nets        *.swish.nu *.vipps.no *.mobilepay.dk *.svea.com *.swedbankpay.com
        iyzico      *.iyzico.com *.iyzipay.com *.paytr.com
        razorpay    *.razorpay.com *.ccavenue.com *.billdesk.com *.cashfree.com *.instamojo.com *.phonepe.com
        razorpay    *.paytm.in
        mercadopago *.mercadopago.* *.pagseguro.* pagseguro.uol.com.br *.ebanx.com *.transbank.cl *.wompi.co
        alipay      *.alipay.com pay.weixin.qq.com *.unionpay.com *.95516.com *.unionpaysecure.com
        paypay      *.paypay.ne.jp *.komoju.com
        tosspayments *.tosspayments.com *.inicis.com *.kcp.co.kr *.nicepay.co.kr *.kakaopay.com pay.naver.com
        paystack    *.paystack.com *.flutterwave.com *.payfast.co.za *.payfast.io *.yoco.com *.ozow.com
        paystack    *.peachpayments.com
        tabby       *.tabby.ai *.tamara.co *.paytabs.com *.tap.company
        windcave    *.windcave.com *.paymentexpress.com *.ewaypayments.com *.eway.com.au *.laybuy.com
        yookassa    *.yookassa.ru *.yoomoney.ru *.robokassa.ru *.cloudpayments.ru *.qiwi.com
        liqpay      *.liqpay.ua *.wayforpay.com *.fondy.eu
        sign-in     accounts.google.* appleid.apple.com idmsa.apple.com login.microsoftonline.com login.live.com
        sign-in     *.b2clogin.com *.auth0.com *.okta.com *.onelogin.com *.amazoncognito.com
        """,
}
"""A site takes a line or several: its name, then hosts (`*.`: with subdomains; `.*`: of .com and of every country),
Android packages, `?` and a query parameter that carries the words searched for (a search engine's is `q` where none
is told) and, without a dot, what marketers write in utm_source for it (`an fb ig msg` are Meta's own
{{site_source_name}})."""

_BY_FIRST_LABEL = {
    **dict.fromkeys(
        ("mail", "email", "webmail", "owa", "roundcube", "zimbra", "horde", "poczta", "correo", "messagerie"), "mail"
    ),
    **dict.fromkeys(("search", "suche", "recherche", "searx", "searxng"), "search"),
}
"""What a host of no known site is when it is called so: webmail.college.example, searx.club.example."""

_MASTODON = ("mastodon", "mstdn")
"""What most of its thousands of servers are called first: mastodon.world, mstdn.jp."""


class _Table(NamedTuple):
    names: dict[str, Site]
    hosts: dict[str, Site]
    domains: dict[str, Site]
    brands: frozenset[str]


def _read() -> _Table:
    names: dict[str, Site] = {}
    hosts: dict[str, Site] = {}
    domains: dict[str, Site] = {}
    brands = set()
    for category, lines in _SITES.items():
        told: dict[str, list[str]] = {}
        for line in lines.strip().splitlines():
            name, *tokens = line.split()
            told.setdefault(name, []).extend(tokens)
        for name, tokens in told.items():
            words = tuple(token[1:] for token in tokens if token.startswith("?"))
            site = names[name] = Site(name, category, words or (("q",) if category == "search" else ()))
            for token in tokens:
                host = token.removeprefix("*.")
                if host.endswith(".*"):
                    host = host[:-1] + "com"
                    brands.add(host.split(".")[-2])
                if token.startswith("*."):
                    domains[host] = site
                elif "." in host:
                    hosts[host] = site
                elif not token.startswith("?"):
                    names[token] = site
    return _Table(names, domains | hosts, domains, frozenset(brands))


_NAMES, _HOSTS, _DOMAINS, _BRANDS = _read()


def site_of(host: str) -> Site | None:
    """The known site that a lower-case ASCII host or Android package belongs to."""
    host = host.removeprefix("www.")
    site = _known(host)
    if site is None:
        site = _known(_of_all_countries(host))
    return site or _by_first_label(host)


def named_site(source: str) -> Site | None:
    """The known site that a source means: a name (`facebook`, `fb`) or a host (`l.facebook.com`)."""
    source = source.lower()
    site = _NAMES.get(source)
    return site if site is not None or "." not in source else site_of(source)


def _known(host: str) -> Site | None:
    site = _HOSTS.get(host)
    while site is None and "." in host:
        host = host.partition(".")[2]
        site = _DOMAINS.get(host)
    return site


def _by_first_label(host: str) -> Site | None:
    first, _, rest = host.partition(".")
    if rest and first in _MASTODON:
        return _NAMES["mastodon"]
    category = _BY_FIRST_LABEL.get(first.rstrip("0123456789"))
    if category is None or "." not in rest:
        return None
    return Site(host, category, ("q",) if category == "search" else ())


def _of_all_countries(host: str) -> str:
    """www.google.co.uk as www.google.com; '' for a host of no brand that has one for each country."""
    rest, _, country = host.rpartition(".")
    if len(country) != 2 and country != "cat":
        return ""
    brand, _, second = rest.rpartition(".")
    if second in ("co", "com"):
        rest = brand
    return f"{rest}.com" if rest.rpartition(".")[2] in _BRANDS else ""
