"""Words that decide whether a full stop ends a sentence, per language.

Three kinds of abbreviation, written as people write them (case counts), and the words that often open a
sentence. The lists are short on purpose: they hold what is frequent in news and encyclopaedias. A language
without a list gets the union of the others', minus what is an ordinary word somewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from mere.lang_codes import find


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Always followed by more of the same sentence: titles, street names, "for example".
_INNER = {
    "en": """Mr Mrs Ms Messrs Dr Prof Rev Hon Gen Lt Col Maj Capt Sgt Cpl Adm Gov Sen Rep Pres Supt St Mt Ft
        Ave Blvd vs v cf viz approx est dept univ Fr e.g i.e ca c b d""",
    "de": """Dr Prof Hr Hrn Fr Frl Dipl Ing Med Phil Jur Rer Nat Pol St Sankt Str Pl Fa Abg Abs Bd Bde Hrsg
        hrsg Jh Jhd geb gest verh gegr bzw bspw ca etwa evtl ggf inkl exkl insb vgl sog lt gem ggü z.B
        d.h u.a i.d.R v.a s.o s.u o.ä u.U z.T m.E i.V.m Kap Nr Mio Mrd Tsd Min Std vs vor nach ehem allg
        bes eigtl urspr wiss Univ Inst Kath evang röm lat griech engl frz dt österr schweiz amerik ital
        span russ""",
    "es": """Sr Sra Srta Sres Dr Dra Dres Prof Profa Ud Uds Vd Vds D Dña Da Lic Ing Arq Gral Cap Cnel Tte
        Sgto Mons Fr Sto Sta Avda Av c Pza Pl Ctra núm ed p.ej EE ca aprox""",
    "fr": """M MM Mme Mmes Mlle Mlles Dr Pr Prof Me Mgr St Ste Sts av bd boul env éd cf ex p.ex c.-à-d ca fig
        vol chap art""",
    "it": """Sig Sigg Sig.ra Sig.na Dott Dott.ssa Dr Prof Prof.ssa Avv Ing Arch Geom Rag On Mons Sen Gen Col
        Cap Ten Fr S SS P.za V.le ecc.to ca cfr ad.es p.es""",
    "pt": """Sr Sra Sres Srta Dr Dra Drs Prof Profa Eng Enga Arq D Dª Exmo Exma Gen Cel Cap Ten Sgto Pe Fr
        Mons Sto Sta Av R Pça Trav Lg al ca aprox p.ex i.é""",
    "nl": """dhr mw mevr mej dr drs ir ing mr prof ds St Dr Prof Mr Drs Ir bijv bv nl resp ca evt m.n o.a
        d.w.z t.a.v m.b.t i.p.v jhr geb""",
    "pl": """dr prof hab mgr inż lek med ks bp abp św śp ul al pl os gen płk mjr kpt por ppor sierż red dyr
        prez min im ok tzw tzn np m.in ww ur zm woj pow gm Dr Prof Mgr Inż Ks Bp Św Ul Al Gen Płk Ur Zm
        wg jw ds ob""",
    "cs": """dr prof doc ing mgr bc mudr judr phdr sv gen plk mjr kpt ul nám tř tzv tj např popř resp nar
        zemř Dr Prof Doc Ing Mgr Bc MUDr JUDr PhDr RNDr Sv Gen mj""",
    "ru": """г-н г-жа гр тов акад проф доц канд докт асп инж ген полк кап лейт серж св свв им ул пр просп пл
        пер наб бул д кв корп стр обл р-н пос дер с хут ст оз о п т.е т.н т.к напр ср см род ум рожд ок
        около тыс млн англ нем фр лат греч итал исп польск укр т.наз сокр Св Им Ул Проф Акад Ген Дж Ю Я""",
    "uk": """п пп п-н п-ні гр тов акад проф доц канд ген полк кап св ім вул пр просп пл пров бульв буд кв
        корп обл р-н смт с м оз т.зв тобто напр див пор нар пом бл тис млн англ нім фр лат Св Ім Вул
        Проф Акад Ген""",
    "sv": "dr prof hr fr frk st tel bl.a t.ex d.v.s dvs s.k m.fl ca f.d kl resp ev inkl Dr Prof S:t",
    "da": "dr prof hr fr frk st tlf bl.a f.eks dvs d.v.s s.k ca kl hhv inkl evt Dr Prof Skt",
    "no": "dr prof hr fr frk st tlf bl.a f.eks dvs d.v.s s.k ca kl hhv inkl ev Dr Prof St",
    "tr": "Dr Prof Doç Yrd Av Müh Öğr Gör Uzm Sn Alb Gen Org Bul Cad Sok Mah Apt No bkz örn yak",
    "hi": """डॉ डा प्रो श्री श्रीमती सुश्री पं स्व कु मो मु सं ई एन टी के एस आर पी बी सी डी एम वी जी ए ओ यू
        एल एच जे एफ न्या ले कर्नल मेजर""",
    "te": """డా డాక్టర్ శ్రీ శ్రీమతి ప్రొ ప్రొఫెసర్ కుమారి ఎన్ టి కె ఎస్ ఆర్ పి బి సి డి ఎం వి జి వై ఎ యు ఎల్
        హెచ్ జె ఎఫ్ క్రీ.శ క్రీ.పూ""",
    "ar": "د أ م ج ت ص س هـ أ.د م.م ش ق.م",
    "fa": "د م ص ج ک ه ق.م",
}

# Followed by more of the same sentence only where a digit comes next.
_BEFORE_NUMBER = {
    "en": """No Nos no nos p pp Fig Figs fig figs vol Vol Ch ch Sec sec Art art Eq eq Nr pt Ver ver Jan Feb
        Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec""",
    "de": "Nr Nrn S Abb Tab Bd Art Abs Kap Ziff Jan Feb Mär Apr Jun Jul Aug Sep Sept Okt Nov Dez",
    "es": "núm núms n nº pág págs p pp vol cap art fig",
    "fr": "n no nº p pp vol chap art fig",
    "it": "n nn p pp pag vol cap art fig",
    "pt": "n nº pág págs p pp vol cap art fig",
    "nl": "nr nrs p pp blz art afb fig",
    "pl": "nr s str t r rys tab art poz ust pkt",
    "cs": "č str s čl odst obr tab",
    "ru": "с стр т гл рис табл п ст ч № вып",
    "uk": "с стор т гл рис табл п ст ч № вип",
    "hi": "सं पृ",
    "te": "నెం సం పే",
    "ar": "ص ج رقم",
}

# May end a sentence: it does where a frequent opening word follows.
_EITHER = {
    "en": """etc Inc Ltd Co Corp Bros Jr Sr al Ph.D M.D B.A M.A D.C Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct
        Nov Dec Esq""",
    "de": "usw etc ff u.ä usf Co Inc Corp Ltd jr sen Chr v.Chr n.Chr Jan Feb Apr Aug Sep Sept Okt Nov Dez",
    "es": "etc Inc Cía Co Ltd Jr S.A a.C d.C UU",
    "fr": "etc Inc Co Ltd Jr apr av J.-C",
    "it": "ecc etc Inc Co Ltd Jr S.p.A a.C d.C",
    "pt": "etc Inc Cia Co Ltda Jr S.A a.C d.C",
    "nl": "enz etc Inc Co Ltd jr e.d v.Chr n.Chr",
    "pl": "itd itp etc Inc Co Ltd jr tys mln mld zł gr n.e p.n.e proc godz",
    "cs": "atd apod etc Inc Co Ltd ml st tis mil mld Kč n.l př.n.l",
    "ru": "т.д т.п др пр мл руб коп млрд трлн н.э гг вв д п э",
    "uk": "т.д т.п тощо ін мол грн млрд н.е рр ст е",
    "sv": "osv etc Inc Co Ltd jr mm m.m",
    "da": "osv etc Inc Co Ltd jr m.m mv",
    "no": "osv etc Inc Co Ltd jr m.m mv",
    "tr": "vb vs Ltd Şti A.Ş M.Ö M.S",
    "ar": "إلخ الخ",
}

# Capitalised as at the start of a sentence. Only asked about after an abbreviation, an initial or an ordinal.
_OPENERS = {
    "en": """The A An He She It They We You His Her Its Their In On At After Before During Since When While
        Although But And However This That These Those There As For From By With If What Who Why How
        Then Today Later""",
    "de": """Der Die Das Ein Eine Er Sie Es Wir Ihr Sein Seine Ihre Dieser Diese Dieses Dort Danach Dann
        Damit Daher Dabei Doch Aber Und Auch Als Am Im In An Auf Bei Beim Mit Nach Seit Von Vor Zu Zum
        Zur Für Wenn Während Später Heute Hier Nachdem Zudem Außerdem Jedoch Trotzdem Was Wer Wie Warum""",
    "es": """El La Los Las Un Una Él Ella Ellos Su Sus Este Esta En Al Con De Por Para Desde Cuando Después
        Pero Y Sin También Además Hoy Fue Se Lo No Es""",
    "fr": """Le La Les Un Une Il Elle Ils Elles On Ce Cette Son Sa Ses En Au À Après Avant Depuis Dans Mais
        Et Par Pour Quand Puis Cependant Aujourd L""",
    "it": """Il Lo La I Gli Le Un Una Egli Ella Lui Lei Suo Sua Questo Questa Nel In Dopo Prima Ma E Per Con
        Da Quando Poi Oggi È Fu""",
    "pt": """O A Os As Um Uma Ele Ela Eles Seu Sua Este Esta Em No Na Ao Com De Por Para Desde Quando Depois
        Mas E Também Além Hoje Foi É""",
    "nl": """De Het Een Hij Zij Ze Wij Zijn Haar Dit Deze Dat In Op Na Voor Sinds Toen Maar En Ook Later
        Daarna Daar Hier Er""",
    "pl": """On Ona Ono Oni Jego Jej Ich Ten Ta To W We Na Po Przed Od Do Z Ze Za Ale I A Jednak Potem
        Następnie Gdy Kiedy Był Była Jest Został Została""",
    "cs": """On Ona Oni Jeho Její Ten Ta To V Ve Na Po Před Od Do Z Ze Za Ale A I Však Potom Poté Když Byl
        Byla Je""",
    "ru": """Он Она Оно Они Его Её Ее Их Этот Эта Это Эти В Во На По После До С Со От Из К За Но А И Однако
        Затем Потом Когда Был Была Было Здесь Там Также При Для Как Позже Сейчас""",
    "uk": """Він Вона Воно Вони Його Її Їх Цей Ця Це Ці В У На По Після До З Із Від За Але А І Й Однак Потім
        Коли Був Була Тут Там Також При Для Як Пізніше""",
    "sv": "Han Hon Den Det De En Ett Hans Hennes I På Efter Före Under Sedan När Men Och Också Senare Idag",
    "da": "Han Hun Den Det De En Et Hans Hendes I På Efter Før Under Siden Da Men Og Også Senere",
    "no": "Han Hun Den Det De En Et Hans Hennes I På Etter Før Under Siden Da Men Og Også Senere",
    "tr": "O Bu Şu Onun Onlar Bir Ve Ama Ancak Daha Sonra İlk",
}

# Ordinary words in some language; never taken as abbreviations when the language is not known.
_WORDS_SOMEWHERE = _words(
    """D M Min Nat P Pol Pres R S al art av b bd bes c d ds env est etwa ev ex fr hr im ing ir lat m
    med nach nar nl no o ob ok okolo on os p pl por pr red s st tel tr v vor éd д о около п с"""
)

# "3. Oktober": a number and a full stop make an ordinal.
ORDINAL_LANGUAGES = _words("de da no nb nn fi et lv cs sk sl hr bs sr hu is pl tr lb fo eu")

# "works for Hurra! Deutschland": what stands before a name and its exclamation mark, and before no exclamation.
BEFORE_NAMES = _words(
    """at by for from of with via für bei von mit durch an aus zu zur pour chez de du des par à avec en para por
    con da di del della per presso a voor van bij door met dla od przez w z za u do pro při v s ve se för från hos
    av på för fra med til для в из от с у при к"""
)
# "Hurra! Inc.", "Hurra! GmbH": a legal form belongs to the name before it.
LEGAL_FORMS = _words(
    """Inc Ltd Co Corp LLC LLP plc PLC Company Corporation Group Holding Holdings AG GmbH SE KG OHG UG eG SA SAS SARL
    SL SLU SpA Srl BV NV AB AS ASA ApS Oy Oyj Kft Zrt sro Sp ООО ОАО ЗАО ПАО АО Ltda"""
)

# "1799 г.", "1867 r.": the year's abbreviation may end a sentence.
YEAR_WORDS = _words("г гг р рр в вв ст r w")


@dataclass(frozen=True)
class StopRules:
    """What a language says about full stops; see the module's first lines."""

    inner: frozenset[str]
    before_number: frozenset[str]
    either: frozenset[str]
    openers: frozenset[str]
    has_ordinals: bool


def _union(table: dict[str, str]) -> frozenset[str]:
    return frozenset(word for words in table.values() for word in words.split())


@cache
def stop_rules(lang: str | None) -> StopRules:
    """Return the rules of a language, or those that are safe in every language where it has no list."""
    listed = find(lang, tuple(_INNER))
    if listed is not None:
        return StopRules(
            inner=_words(_INNER[listed]),
            before_number=_words(_BEFORE_NUMBER.get(listed, "")),
            either=_words(_EITHER.get(listed, "")),
            openers=_words(_OPENERS.get(listed, "")),
            has_ordinals=lang in ORDINAL_LANGUAGES,
        )
    return StopRules(
        inner=_union(_INNER) - _WORDS_SOMEWHERE,
        before_number=_union(_BEFORE_NUMBER),
        either=_union(_EITHER) - _WORDS_SOMEWHERE,
        openers=_union(_OPENERS),
        has_ordinals=lang is None or lang in ORDINAL_LANGUAGES,
    )
