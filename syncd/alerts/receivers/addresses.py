"""Which addresses a webhook may be sent to: public ones only, judged on the address that is really connected to.

A name that is public when it is checked and private when it is used (DNS rebinding), or a redirect, would else make
syncd knock at doors inside the network.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_METADATA = frozenset({ip_address("168.63.129.16"), ip_address("fd00:ec2::254")})
"""A cloud's own services, public (Azure) or private (EC2) by number; those of the other clouds are link-local."""
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Whether an address is one of the open internet: not private, loopback, link-local, multicast or reserved.

    IPv6 addresses that carry an IPv4 one (6to4, Teredo) are judged by that one too, those of NAT64 by it alone: where
    a network translates, every public IPv4 host has such an address.
    """
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address in _NAT64:
        return _is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return _is_public(address) and all(_is_public(inner) for inner in _embedded(address))


def is_inside(text: str) -> bool:
    """Whether an address is public or one of a private network; never this machine's own, nor link-local."""
    address = ip_address(text.partition("%")[0])
    if is_public(text):
        return True
    embedded = isinstance(address, IPv6Address) and (address in _NAT64 or bool(_embedded(address)))
    barred = address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
    return address.is_private and not (embedded or barred or address.is_reserved or address in _METADATA)


def is_loopback_address(text: str) -> bool:
    """Whether an address is this machine itself."""
    return ip_address(text.partition("%")[0]).is_loopback


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    special = address.is_private or address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not special and not address.is_link_local and address not in _METADATA


def _embedded(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    if isinstance(address, IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    return [each for each in found if each is not None]
