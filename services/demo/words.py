"""Invented text in many scripts."""

from __future__ import annotations

import random

from services.demo.seeds import Seeds

_WORDS = {
    "Latin": (
        "lamp oil storm keeper tide rope harbour lens skerry gull bell wick brass fog chart ladder salt "
        "lantern anchor reef signal breakwater cellar ledger kettle thunder widow smuggler rafters"
    ),
    "Latin with marks": (
        "señor über naïve façade crème brûlée Ångström smörgås žluťoučký kůň Łódź şeker ağaç İstanbul "
        "đường phố cảm ơn Ærø fjörður mañana élodie garçon"
    ),
    "Greek": "φάρος θάλασσα κύμα άνεμος νύχτα καράβι λιμάνι ναύτης καταιγίδα φως",
    "Cyrillic": "маяк море волна ветер ночь корабль гавань моряк буря свет Київ їжак ґанок",
    "Arabic": "منارة بحر موجة ريح ليل سفينة ميناء بحار عاصفة نور",
    "Hebrew": "מגדלור ים גל רוח לילה ספינה נמל מלח סערה אור",
    "Devanagari": "प्रकाशस्तंभ समुद्र लहर हवा रात जहाज़ बंदरगाह नाविक तूफ़ान प्रकाश",
    "Thai": "ประภาคาร ทะเล คลื่น ลม กลางคืน เรือ ท่าเรือ กะลาสี พายุ แสง",
    "Han": "灯塔 海洋 波浪 风暴 夜晚 船只 港口 水手 光芒 守望者 潮汐",
    "Kana": "灯台 うみ なみ かぜ よる ふね みなと すいふ あらし ひかり ユキ トウダイ",
    "Hangul": "등대 바다 파도 바람 밤 배 항구 선원 폭풍 빛",
    "Emoji": "🌊 🪔 ⛵ 🏮 👩‍👩‍👧 🇮🇸 🧭 🌫️ ⚓ 🦭",
}
SCRIPTS = {name: tuple(words.split()) for name, words in _WORDS.items()}
PLAIN = 3
"""Latin words come up so many times as often as those of any other script."""
PHRASES = 6_000
PHRASE_WORDS = (2, 9)


class Text:
    """Phrases of one seed; a phrase stays in one script, a text mixes them."""

    def __init__(self, seeds: Seeds) -> None:
        maker = seeds.random("phrases", 0)
        scripts = [SCRIPTS["Latin"]] * PLAIN + list(SCRIPTS.values())
        self._phrases = [
            " ".join(maker.choices(maker.choice(scripts), k=maker.randint(*PHRASE_WORDS)))
            for _ in range(PHRASES)
        ]
        self._words = [word for words in SCRIPTS.values() for word in words]

    def words(self, maker: random.Random, count: int) -> list[str]:
        """Single words, of any script."""
        return maker.choices(self._words, k=count)

    def phrase(self, maker: random.Random) -> str:
        """A few words."""
        return maker.choice(self._phrases)

    def text(self, maker: random.Random, phrases: int) -> str:
        """So many phrases, as sentences."""
        return ". ".join(maker.choices(self._phrases, k=phrases)) + "."

    def name(self, maker: random.Random) -> str:
        """Two words, for a person or a place."""
        return " ".join(maker.choices(self._words, k=2))
