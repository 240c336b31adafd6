"""Proof over a pack's territory trees without any data: what no account reaches, where rules meet or leave holes.

Everything is a claim about all accounts there could be; a claim is made only when it is proved, and an example account
is shown only after the plain matcher and the plain tree agree with what is said of it.
"""
