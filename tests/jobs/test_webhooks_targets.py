"""Where webhooks may not go, however the address is written."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.errors import InvalidRequest
from tunesmith.jobs.webhooks_targets import IPv4, IPv6, addresses, check_url, not_public

NOT_FOR_US = ["127.0.0.1", "10.1.2.3", "172.20.0.1", "192.168.7.7", "169.254.169.254", "100.100.100.200",
              "168.63.129.16", "0.0.0.0", "224.0.0.1", "255.255.255.255"]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34"]
#: IPv6 networks whose last 32 bits are the IPv4 address that is called.
EMBEDDING = ["::ffff:0:0/96", "64:ff9b::/96"]


def spellings(address: IPv4) -> list[str]:
    """Ways to write an IPv4 address that the C library reads."""
    number, (a, b, c, d) = int(address), address.packed
    return [
        f"{number}",
        f"0x{number:x}",
        f"0{number:o}",
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{number & 0xFFFF}",
        f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        f"{a}.{b}.{c}.0{d:o}",
        f"{address}.",
    ]


def refused(url: str, *, allow_private: bool = False) -> str:
    with pytest.raises(InvalidRequest) as caught:
        check_url(url, allow_private=allow_private)
    assert caught.value.param == "url"
    return caught.value.message


@given(st.ip_addresses())
def test_what_is_called_is_public_by_pythons_own_judgement(address: IPv4 | IPv6) -> None:
    if not_public(address) is not None:
        return
    if isinstance(address, IPv6) and any(address in ipaddress.ip_network(net) for net in EMBEDDING):
        address = IPv4(int(address) & 0xFFFFFFFF)
    assert not (address.is_private or address.is_loopback or address.is_link_local or address.is_reserved
                or address.is_multicast or address.is_unspecified)  # fmt: skip


@given(st.ip_addresses(v=4))
def test_public_ipv4_addresses_are_called(address: IPv4) -> None:
    stricter = ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")  # than Python's own judgement
    own = any(address in ipaddress.ip_network(network) for network in stricter)
    if address.is_global and not address.is_multicast and not address.is_reserved and not own:
        assert not_public(address) is None


@given(st.ip_addresses(v=4), st.sampled_from(EMBEDDING))
def test_an_ipv4_address_inside_an_ipv6_address_is_judged_as_itself(address: IPv4, network: str) -> None:
    prefix = ipaddress.IPv6Network(network).network_address
    assert not_public(IPv6(int(prefix) | int(address))) == not_public(address)


@given(st.ip_addresses(v=6, network="2002::/16") | st.ip_addresses(v=6, network="2001::/32"))
def test_tunnels_are_not_called(address: IPv6) -> None:
    assert not_public(address) is not None


@pytest.mark.parametrize("address", [*NOT_FOR_US, "::1", "::", "fe80::1", "fd00:ec2::254", "ff02::1"])
def test_addresses_of_the_servers_own_world_are_refused_with_a_sentence(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    assert f"{address} is a" in refused(f"https://{host}/hook")


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_counts_only_in_its_usual_form(address: IPv4) -> None:
    for text in spellings(address):
        if text != str(address):
            refused(f"https://{text}/hook")
            refused(f"https://{text}:8443/hook")


@given(st.ip_addresses(v=4))
def test_other_forms_of_an_ipv4_address_are_refused_because_the_c_library_reads_them(address: IPv4) -> None:
    for text in spellings(address)[:-1]:
        assert socket.inet_aton(text) == address.packed


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "//example.com/",
        "example.com/hook",
        "https://",
        "https:///hook",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com/#part",
        "https://example.com:22/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://%31%32%37.0.0.1/",
        "https://a..b.com/",
        "https://-a.com/",
        "https://" + "a" * 64 + ".com/",
        "https://[fe80::1%25eth0]/",
        "https://１２７.0.0.1/",
        "https://127。0。0。1/",
        "https://localhost/",
        "https://localhost./",
        "https://printer/",
        "https://db.internal/",
        "https://box.local/",
        "https://metadata.google.internal/computeMetadata/v1/",
        "https://example.com/\n",
        "https://example.com/\x00",
    ],
)
def test_urls_that_nobody_should_call_are_refused(url: str) -> None:
    assert refused(url).startswith("This webhook URL cannot be used: ")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/hook?key=1",
        "https://example.com:8443/hook",
        "https://hooks_1.example.com/",
        "https://bücher.example.de/",
        "https://1.1.1.1/",
        "https://[2606:4700:4700::1111]/",
        "HTTPS://EXAMPLE.COM/Hook",
    ],
)
def test_public_urls_are_accepted(url: str) -> None:
    check_url(url, allow_private=False)


@given(st.text(max_size=60) | st.text(max_size=30).map("https://{}".format))
def test_no_text_is_worse_than_a_refusal(url: str) -> None:
    for allow_private in (True, False):
        try:
            parsed = check_url(url, allow_private=allow_private)
        except InvalidRequest:
            continue
        assert parsed.scheme in ("http", "https") and parsed.host


def test_an_intranets_operator_may_allow_what_is_private() -> None:
    for url in ("http://127.0.0.1:8080/", "https://printer/", "http://10.0.0.1:25/"):
        check_url(url, allow_private=True)
    for url in ("ftp://printer/", "http://user@printer/", "https://0x7f.1/"):
        refused(url, allow_private=True)


# -- names ------------------------------------------------------------------------------------------


def looked_up(answers: list[str], *, allow_private: bool = False) -> list[str]:
    """The addresses of a name that has `answers`."""

    def look_up(host: bytes, port: None, **_: object) -> list:
        assert (host, port) == (b"receiver.example", None)
        return [
            (socket.AF_INET6 if ":" in text else socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, 0))
            for text in answers
        ]

    async def look() -> list[str]:
        url = httpx2.URL("https://receiver.example/")
        with ThreadPoolExecutor(1) as resolver:
            found = await addresses(url, allow_private=allow_private, resolver=resolver, look_up=look_up)
        return [str(address) for address in found]

    return asyncio.run(look())


def test_a_name_may_be_called_at_its_public_addresses() -> None:
    assert looked_up([*PUBLIC, PUBLIC[0], "2606:4700:4700::1111"]) == [*PUBLIC, "2606:4700:4700::1111"]


@given(
    st.lists(st.sampled_from(PUBLIC), max_size=3),
    st.sampled_from([*NOT_FOR_US, "::1", "fe80::1%eth0", "::ffff:10.0.0.1", "64:ff9b::7f00:1"]),
    st.lists(st.sampled_from(PUBLIC), max_size=3),
)
def test_one_address_that_is_not_public_spoils_a_name(before: list[str], bad: str, after: list[str]) -> None:
    with pytest.raises(InvalidRequest, match=r"'receiver\.example' resolves to "):
        looked_up([*before, bad, *after])
    assert len(looked_up([*before, bad, *after], allow_private=True)) >= 1


def test_a_name_without_addresses_is_no_target() -> None:
    with pytest.raises(OSError, match="has 0 addresses"):
        looked_up([])
