"""Domains: the registrable one by the public suffix list, private suffixes on; mail providers are nobody's domain."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tldextract

FREE_MAIL_DOMAINS = frozenset(
    """
    126.com 163.com 21cn.com aim.com aliyun.com aol.com aol.de aol.fr aol.co.uk arcor.de att.net bellsouth.net bigpond.com
    bigpond.net.au bk.ru blueyonder.co.uk bluewin.ch btinternet.com centrum.cz charter.net comcast.net cox.net daum.net
    earthlink.net email.com email.cz fastmail.com fastmail.fm foxmail.com free.fr freenet.de freemail.hu frontier.com
    gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net gmx.us googlemail.com hanmail.net hey.com hotmail.be hotmail.ca
    hotmail.ch hotmail.co.jp hotmail.co.uk hotmail.com hotmail.com.br hotmail.de hotmail.es hotmail.fr hotmail.it hotmail.nl
    hushmail.com icloud.com inbox.lv inbox.ru interia.pl juno.com kpnmail.nl laposte.net libero.it list.ru live.at live.be
    live.ca live.co.uk live.com live.com.au live.de live.dk live.fr live.in live.it live.nl live.se mac.com mail.com
    mail.de mail.ru me.com mindspring.com msn.com naver.com neuf.fr ntlworld.com o2.pl onet.pl online.de online.no
    optonline.net optusnet.com.au orange.fr outlook.at outlook.be outlook.com outlook.com.au outlook.com.br outlook.de
    outlook.dk outlook.es outlook.fr outlook.ie outlook.in outlook.it outlook.jp pm.me posteo.de proton.me protonmail.ch
    protonmail.com qq.com rambler.ru rediffmail.com rocketmail.com rogers.com sapo.pt sbcglobal.net seznam.cz sfr.fr
    shaw.ca sina.com skynet.be sky.com sohu.com sympatico.ca t-online.de talktalk.net telenet.be telia.com terra.com.br
    tiscali.it tutanota.com tuta.io ukr.net uol.com.br verizon.net virgilio.it virginmedia.com wanadoo.fr web.de
    windowslive.com wp.pl xs4all.nl xtra.co.nz ya.ru yahoo.at yahoo.be yahoo.ca yahoo.ch yahoo.cn yahoo.co.id yahoo.co.in
    yahoo.co.jp yahoo.co.kr yahoo.co.nz yahoo.co.th yahoo.co.uk yahoo.co.za yahoo.com yahoo.com.ar yahoo.com.au yahoo.com.br
    yahoo.com.cn yahoo.com.hk yahoo.com.mx yahoo.com.my yahoo.com.ph yahoo.com.sg yahoo.com.tr yahoo.com.tw yahoo.com.vn
    yahoo.de yahoo.dk yahoo.es yahoo.fr yahoo.gr yahoo.ie yahoo.in yahoo.it yahoo.nl yahoo.no yahoo.pl yahoo.se yandex.com
    yandex.ru yeah.net ymail.com ziggo.nl zohomail.com
    """.split()
)
"""Domains at which anybody can have an address: they say nothing about a company and never link two."""

_HOST_END = re.compile(r"[/?#\\\s]")


@lru_cache(maxsize=65536)
def registrable_domain(raw: str) -> str | None:
    """The registrable domain of a domain, address, or web page, in lower case and Unicode; None without one."""
    host = _HOST_END.split(domain_text(raw).partition("://")[2] or domain_text(raw), maxsplit=1)[0]
    host = host.rpartition("@")[2].partition(":")[0].strip(".")
    found = _extractor()(host) if host else None
    if found is None or not found.domain or not found.suffix:
        return None
    return _unicode(f"{found.domain}.{found.suffix}")


def domain(raw: str, shared: frozenset[str] = frozenset()) -> str | None:
    """The registrable domain; None if there is none, or it belongs to a mail provider or to `shared` (domains)."""
    found = registrable_domain(raw)
    return None if found is None or found in FREE_MAIL_DOMAINS or found in shared else found


def domain_text(raw: str) -> str:
    """A domain, or a part of one, in lower case: not case-folded, for `straße.de` is not `strasse.de`."""
    stripped = raw.strip()
    return stripped.lower() if stripped.isascii() else unicodedata.normalize("NFKC", stripped.lower()).lower()


def _unicode(host: str) -> str:
    labels = []
    for label in host.split("."):
        if label.startswith("xn--"):
            try:
                label = domain_text(label[4:].encode("ascii").decode("punycode"))
            except UnicodeError:
                return host
        labels.append(label)
    return ".".join(labels)


@cache
def _extractor() -> tldextract.TLDExtract:
    """Offline: the list that comes with the package, no cache on disk, no request ever."""
    import tldextract  # noqa: PLC0415 - 46 ms and some memory, paid by those who read a domain

    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
