"""The fixed words of posts, in the four public languages."""

from incidents.models import Phase

NEXT = {
    "fr": "Prochain message à {time}.",
    "nl": "Volgende update om {time}.",
    "de": "Nächste Aktualisierung um {time}.",
    "en": "Next update at {time}.",
}
NEXT_DAY = {
    "fr": "Prochain message le {day} à {time}.",
    "nl": "Volgende update op {day} om {time}.",
    "de": "Nächste Aktualisierung am {day} um {time}.",
    "en": "Next update on {day} at {time}.",
}

CORRECTION = {
    "fr": "Correction de notre message de {sent}\u00a0:",
    "nl": "Correctie van ons bericht van {sent}:",
    "de": "Berichtigung unserer Meldung von {sent}:",
    "en": "Correction of our message of {sent}:",
}
WITHDRAWAL = {
    "fr": "Notre message de {sent} est retiré\u00a0: «\u00a0{title}\u00a0». Ce qui vaut maintenant\u00a0:",
    "nl": "Ons bericht van {sent} is ingetrokken: “{title}”. Wat nu geldt:",
    "de": "Unsere Meldung von {sent} ist zurückgezogen: „{title}“. Was jetzt gilt:",
    "en": "Our message of {sent} was withdrawn: “{title}”. What holds now:",
}

# Freddy Flux, the mascot, begins with what he and the others are doing. Calm and warm, and no jokes: on the day when
# it is read, somebody waits for a medicine.
FREDDY = {
    Phase.INVESTIGATING: {
        "fr": "Nous savons que vous attendez, et nous cherchons la cause.",
        "nl": "We weten dat u wacht, en we zoeken de oorzaak.",
        "de": "Wir wissen, dass Sie warten, und suchen die Ursache.",
        "en": "We know that you are waiting, and we are looking for the cause.",
    },
    Phase.IDENTIFIED: {
        "fr": "Nous y travaillons.",
        "nl": "We werken eraan.",
        "de": "Wir arbeiten daran.",
        "en": "We are working on it.",
    },
    Phase.MONITORING: {
        "fr": "Cela reprend, et nous gardons l’œil dessus.",
        "nl": "Het komt weer op gang, en we houden het in het oog.",
        "de": "Es läuft wieder an, und wir behalten es im Auge.",
        "en": "It is picking up again, and we are keeping an eye on it.",
    },
    Phase.RESOLVED: {
        "fr": "C’est rétabli. Merci de votre patience.",
        "nl": "Het is hersteld. Bedankt voor uw geduld.",
        "de": "Es ist behoben. Danke für Ihre Geduld.",
        "en": "It is fixed. Thank you for your patience.",
    },
}
SIGNED = "Freddy Flux"
