"""Domains whose addresses belong to strangers to one another: mail providers anybody can join, and internet providers.

That one customer is known says nothing about the next, so reputation at these domains is kept by address only.
"""

from __future__ import annotations

from typing import Final

from app.wire.domain import Domain

_NAMES: Final = frozenset(
    """
    gmail.com googlemail.com outlook.com hotmail.com hotmail.co.uk hotmail.fr hotmail.de hotmail.it hotmail.es live.com
    live.nl live.co.uk live.fr msn.com passport.com yahoo.com yahoo.co.uk yahoo.co.jp yahoo.co.in yahoo.fr yahoo.de
    yahoo.it yahoo.es yahoo.com.br ymail.com rocketmail.com aol.com aim.com icloud.com me.com mac.com
    proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tutamail.com tuta.io tuta.com keemail.me
    fastmail.com fastmail.fm messagingengine.com hey.com zoho.com zohomail.com zohomail.eu mail.com email.com usa.com
    gmx.com gmx.de gmx.net gmx.at gmx.ch web.de freenet.de t-online.de arcor.de posteo.de posteo.net mailbox.org
    mail.de kabelmail.de vodafone.de 1und1.de online.de disroot.org riseup.net mailfence.com runbox.com startmail.com
    hushmail.com mailo.com laposte.net orange.fr wanadoo.fr free.fr sfr.fr neuf.fr bbox.fr
    libero.it virgilio.it tiscali.it alice.it tin.it tim.it inwind.it iol.it aruba.it pec.it
    kpnmail.nl kpnplanet.nl planet.nl ziggo.nl xs4all.nl home.nl hetnet.nl casema.nl upcmail.nl quicknet.nl telfort.nl
    telenet.be skynet.be proximus.be bluewin.ch hispeed.ch sunrise.ch telia.com bredband.net comhem.se online.no
    btinternet.com btopenworld.com virginmedia.com ntlworld.com sky.com talktalk.net blueyonder.co.uk
    comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net juno.com netzero.net
    optonline.net rogers.com shaw.ca sympatico.ca videotron.ca telus.net bigpond.com optusnet.com.au
    mail.ru inbox.ru list.ru bk.ru internet.ru yandex.ru yandex.com ya.ru rambler.ru ukr.net
    wp.pl o2.pl onet.pl interia.pl op.pl vp.pl seznam.cz email.cz centrum.cz post.cz atlas.sk azet.sk abv.bg
    uol.com.br bol.com.br terra.com.br ig.com.br globo.com
    qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com 139.com 189.cn aliyun.com
    naver.com daum.net hanmail.net nate.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp nifty.com rediffmail.com
    """.split()
)


def is_public_provider(domain: Domain) -> bool:
    """Whether addresses of the domain are given to anybody."""
    return domain.ascii in _NAMES
