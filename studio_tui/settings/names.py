"""Studio ids: two words that people can say aloud, such as calm-otter."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Container, Sequence

LONGEST = 40

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

ADJECTIVES = tuple(
    """
    able agile airy amber ample aqua bold brave bright brisk calm candid clear clever cosy crisp
    curious deft eager early easy fair fast fine fond free fresh gentle glad golden good grand
    happy hardy honest humble jolly keen kind lively loyal lucid lucky mellow merry mild modest
    neat nimble noble open patient plain proud quick quiet rapid ready rosy round safe sharp
    shiny silent silver simple smart smooth snug soft solid sound spry stable steady still
    sunny sure swift tall tame tidy true vivid warm wise witty young
    """.split()
)

ANIMALS = tuple(
    """
    adder ant ape badger bat bear beaver bee beetle bison boar bream bunting camel carp cat civet
    cobra cod colt condor coot crab crane cricket crow deer dingo dog dolphin dove duck eagle eel
    egret elk emu falcon ferret finch fox frog gannet gazelle gecko gibbon gnu goat goose grouse
    gull hare hawk heron hippo horse ibex ibis iguana jackal jay kestrel kite kiwi koala lark
    lemur lion lizard llama lynx magpie marmot marten mole moose moth mouse mule newt ocelot
    okapi orca oryx osprey otter owl ox oyster panda parrot pelican penguin pike plover puffin
    quail rabbit ram raven robin salmon seal shark sheep shrew skink skua sloth snail snipe
    sparrow squid stoat stork swan swift tapir tern thrush tiger toad trout tuna turtle viper
    vole walrus wasp weasel whale wolf wombat wren yak zebra
    """.split()
)

Choose = Callable[[Sequence[str]], str]


def new_id(taken: Container[str], choose: Choose = secrets.choice) -> str:
    """Return an id that is not in `taken`.

    Args:
        taken: ids that are in use.
        choose: picks one word of many; at random unless told otherwise.
    """
    for _ in range(20):
        if (found := f"{choose(ADJECTIVES)}-{choose(ANIMALS)}") not in taken:
            return found
    number = 2
    while f"{found}-{number}" in taken:
        number += 1
    return f"{found}-{number}"


def valid_id(text: str) -> bool:
    """Say whether `text` can be a studio's id: lower-case words joined by single hyphens."""
    return len(text) <= LONGEST and _ID.fullmatch(text) is not None
