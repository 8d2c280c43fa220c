"""A site's part in blind models: its inputs to each evaluation, and its shares where it is in the committee."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from riskset_common.errors import EstimationError, ProtocolRefusal, own_records
from riskset_common.rounds.blind_models import Blind
from riskset_common.secure.blind.arithmetic.field import Elements
from riskset_common.secure.blind.parties.counts.count_site import SiteBelongings
from riskset_common.secure.blind.parties.keys import accept_keys, make_keys
from riskset_common.secure.blind.parties.member import BlindMember
from riskset_common.secure.blind.parties.setup import BlindSetup
from riskset_common.secure.blind.parties.site import BlindSite, SiteDesign, answer
from riskset_common.wire.blind_messages import BlindAsk, BlindInput, BlindKeys, BlindShare
from riskset_common.wire.frame import Message
from riskset_node.session.parts import Parts, Records
from riskset_node.state.outbox import Summary


class BlindPart:
    """One model at one site: its inputs, and its share of the computation once the keys of all sites arrived."""

    def __init__(
        self,
        setup: BlindSetup,
        design: SiteDesign,
        own: SiteBelongings,
        deaths: Elements | None = None,
    ) -> None:
        self._setup, self._design, self._own, self._deaths = setup, design, own, deaths
        self._site = BlindSite(setup, own.site_id, own.secret)
        self._member: BlindMember | None = None

    def begin(self) -> list[Message]:
        """Keys, and the input to the first evaluation, which is at coefficients of 0."""
        own, setup = self._own, self._setup
        keys = make_keys(setup, own.identity, own.site_id, own.secret, own.channels)
        zeros = (0.0,) * setup.model.n_columns
        ask = BlindAsk(setup=setup.hash, evaluation=0, beta=zeros, consents=())
        return [keys, self._input(ask)]

    def answer(self, letters: Sequence[Message]) -> list[Message]:
        """Answer what one step brings: a question, a proposal, the inputs of all sites, or the others' shares."""
        keys = [each for each in letters if isinstance(each, BlindKeys)]
        asks = [each for each in letters if isinstance(each, BlindAsk)]
        inputs = [each for each in letters if isinstance(each, BlindInput)]
        shares = [each for each in letters if isinstance(each, BlindShare)]
        if len(keys) + len(asks) + len(inputs) + len(shares) < len(letters):
            raise ProtocolRefusal("A step brings a message of a blind model that no site awaits.")
        if keys:
            self._accept(keys)
        if shares:
            replied = self._committee().receive(shares)
            return list(replied) if isinstance(replied, list) else [replied]
        if len(asks) != 1:
            raise ProtocolRefusal(
                f"A step of a blind model brings {len(asks)} questions; each has one, or shares."
            )
        if inputs:
            return list(self._committee().begin_evaluation(asks[0], inputs))
        if asks[0].evaluation and not asks[0].consents:
            return [self._committee().consent(asks[0])]
        return [self._input(asks[0])]

    def _input(self, ask: BlindAsk) -> BlindInput:
        self._site, sent = answer(self._site, ask, self._design, identity=self._own.identity)
        return sent

    def _accept(self, keys: Sequence[BlindKeys]) -> None:
        if self._member is not None:
            raise ProtocolRefusal("The keys of a blind model arrived a second time.")
        own, setup = self._own, self._setup
        accepted = accept_keys(setup, own.site_id, own.secret, own.channels, keys)
        self._member = BlindMember(
            setup, accepted, own.identity, own.site_id, own.channels, self._deaths
        )

    def _committee(self) -> BlindMember:
        if self._member is None:
            raise ProtocolRefusal(
                "This site was sent what is for the committee of a blind model before the keys of all sites, or is not in it."
            )
        return self._member


def _is_for_the_committee(letters: Sequence[Message]) -> bool:
    """Whether a step is about what the members opened, or about coefficients, so that the answer depends on no record of this site."""
    return any(isinstance(each, BlindInput | BlindShare) for each in letters)


Deaths = Callable[[Blind], Elements | None]
"""A member's shares of the deaths of a model that has them hidden; None at other sites, and of other models."""


def _known(_: Blind) -> None:
    """The deaths of a model whose deaths everybody knows."""


class ModelParts(Parts):
    """The blind models of one session."""

    def __init__(
        self,
        models: Sequence[Blind],
        own: SiteBelongings,
        records: Records,
        deaths: Deaths = _known,
    ) -> None:
        self._named = {blind.setup.hash: blind.name for blind in models}
        self._begun: set[bytes] = set()
        with own_records():
            self._parts = {
                blind.setup.hash: BlindPart(
                    blind.setup, blind.design(records()), own, deaths(blind)
                )
                for blind in models
            }

    @property
    def named(self) -> Mapping[bytes, str]:
        """The models' names."""
        return self._named

    @property
    def own_numbers(self) -> Summary | None:
        """None: sums over risk sets at coefficients show a reader nothing."""
        return None

    def begin(self) -> dict[bytes, list[Message]]:
        """Keys, and inputs to the first evaluations."""
        return {setup: self._begin(setup) for setup in self._parts}

    def _begin(self, setup: bytes) -> list[Message]:
        if setup in self._begun:
            raise ProtocolRefusal("A blind model began a second time.")
        self._begun.add(setup)
        return self._parts[setup].begin()

    def answer(self, setup: bytes, letters: Sequence[Message]) -> list[Message]:
        """Answer what one step brings for one model; nothing where it cannot go on. A step without letters begins it."""
        if setup not in self._parts:
            raise ProtocolRefusal(
                "A step brings messages of a blind model that did not begin here."
            )
        if not letters:
            return self._begin(setup)
        try:
            return self._parts[setup].answer(letters)
        except EstimationError:
            if not _is_for_the_committee(letters):
                raise
            # What the members opened to one another does not fit the bounds: the model ends alone.
            del self._parts[setup]
            return []
