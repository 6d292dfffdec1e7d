"""Random draws for made-up cases: community, item, source, time, place and resident, from one seeded generator."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bureau.calendar import deadlines
from models import Source
from panel.kinds import ZONE
from panel.security.session import keyed_hash
from seed import district
from seed.world import CommunityStaff, Item, World

#: Weights of items; 1 by default.
ITEM_WEIGHTS = {
    "ZF03": 2, "ZF04": 4, "ZF08": 2, "ZF11": 2, "ZF12": 6, "ZF13": 5, "ZF14": 4, "ZF17": 2, "ZF19": 2, "ZF20": 2,
    "ZF23": 2, "FW02": 5, "FW03": 5, "FW04": 2, "FW06": 4, "FW07": 4, "FW12": 2, "FW13": 2, "FW15": 2,
}  # fmt: skip
SOURCES = {
    Source.LIAISON: 38,
    Source.RESIDENT: 22,
    Source.PATROL: 15,
    Source.VISIT: 9,
    Source.HOTLINE: 12,
    Source.SUPERIOR: 2,
    Source.OTHER: 2,
}
CLOSING_SENTENCES = (
    "",
    "",
    "希望尽快处理。",
    "已持续一周左右。",
    "此前劝过一次，效果不好。",
    "附近住户多有议论。",
    "麻烦到现场看看。",
)
#: Weight of the demo liaison's community; others have 1 to 4.
BUSY_WEIGHT = 8
ESTATES = ("花园", "新村", "公寓", "小区", "名苑")


@dataclass(frozen=True, slots=True)
class Resident:
    name: str
    phone: str
    phone_hash: str
    address: str


class Draws:
    """Draws from a world. `secret` is the key of the hashes of residents' phones and addresses."""

    def __init__(self, world: World, rng: random.Random, secret: str) -> None:
        self.world, self.rng, self.secret = world, rng, secret
        self._residents: dict[int, list[Resident]] = defaultdict(list)
        # The community of the demo liaison gets many cases, so that their page isn't empty.
        self._weights = [
            max(BUSY_WEIGHT * any(term.person.user_id for term in staff.liaisons), 1 + 3 * rng.random() ** 2)
            for staff in world.communities
        ]
        self._given = district.GIVEN.split()

    def community(self) -> CommunityStaff:
        return self.rng.choices(self.world.communities, self._weights)[0]

    def item(self, fits: Callable[[Item], bool]) -> Item:
        items = [item for item in self.world.items if fits(item)]
        return self.rng.choices(items, [ITEM_WEIGHTS.get(item.code, 1) for item in items])[0]

    def source(self, day: date) -> Source:
        """A source; a visit on any other day than Monday becomes a patrol."""
        source = self.rng.choices(list(SOURCES), list(SOURCES.values()))[0]
        return Source.PATROL if source == Source.VISIT and day.weekday() else source

    def moment(self, day: date) -> datetime:
        """A time of reporting on this local day, to the minute, in UTC."""
        minute = round(self.rng.triangular(7 * 60, 21 * 60, 9.5 * 60))
        return datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=ZONE).astimezone(UTC)

    def moments(self, count: int, first: date, last: date) -> list[datetime]:
        """`count` times of reporting from `first` to `last`, sorted: more towards the end, fewer on days off."""
        days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
        weights = [
            (1 + 0.4 * i / len(days)) * (1.0 if self.world.calendar.is_workday(day) else 0.45)
            for i, day in enumerate(days)
        ]
        return sorted(self.moment(day) for day in self.rng.choices(days, weights, k=count))

    def place(self, beat: CommunityStaff, where: str) -> str:
        rng, stem = self.rng, beat.stem
        estate = f"{stem}{rng.choice(ESTATES)}"
        if where == "home":
            return f"{estate}{rng.randint(1, 38)}幢{rng.randint(1, 4)}单元{rng.randint(1, 11)}0{rng.randint(1, 4)}室"
        if where in {"estate", "lot"}:
            spot = rng.choice(("南侧", "北侧", "东门", "门前")) + ("停车位" if where == "lot" else "")
            return f"{estate}{rng.randint(1, 38)}幢{spot}"
        if where == "green":
            return f"{estate}{rng.choice(('中心绿地', '东侧绿化带', '河边绿地', '围墙边'))}"
        if where == "site":
            return f"{stem}路{rng.randint(1, 480)}号地块工地"
        return f"{stem}路{rng.randint(1, 480)}号{'店铺' if where == 'shop' else '门前'}"

    def resident(self, beat: CommunityStaff) -> Resident:
        """A resident of the community; one draw in four returns an earlier one."""
        residents = self._residents[beat.id]
        if residents and self.rng.random() < 0.25:
            return self.rng.choice(residents)
        phone = f"1541{self.rng.randrange(10**7):07d}"
        name = self.rng.choice(district.SURNAMES) + self.rng.choice(self._given)
        residents.append(Resident(name, phone, keyed_hash(phone, self.secret), self.place(beat, "home")))
        return residents[-1]

    def later(self, start: datetime, low: int, high: int, *, by_clock: bool = False) -> datetime:
        """A moment `low` to `high` minutes after `start`, in office time or by the clock."""
        length = timedelta(minutes=self.rng.randint(low, high))
        return start + length if by_clock else deadlines.after(start, length, self.world.calendar)
