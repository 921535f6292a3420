"""The site's words in the four languages, by language code."""

from comms.status.languages.de import DE
from comms.status.languages.en import EN
from comms.status.languages.fr import FR
from comms.status.languages.nl import NL

WORDS = {words.language: words for words in (FR, NL, DE, EN)}
