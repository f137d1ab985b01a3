# SPDX-License-Identifier: GPL-3.0-or-later
"""How the server bears a studio: many clients at once, drawings that are sent again, and a worker that computes beside.

`many`: clients send jobs and fetch every frame, of a server whose colorizer takes no time. All drawings differ, so that
nothing is stored or colored only once; they are small, so that it is the server that is measured. Every frame is
compared with what it must be: a job that does not end with all of them is lost. `upload`: line drawings in full HD,
sent twice. `computing`: what a few clients wait while a worker computes with the preset `tiny` on the CPU.

Times are those of clients on the same machine, which take their share of it: `cpu_seconds` says who took what. With
the defaults it runs for half an hour or more on two cores.
"""
