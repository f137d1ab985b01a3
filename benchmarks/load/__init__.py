# SPDX-License-Identifier: GPL-3.0-or-later
"""The load benchmark of the server: many clients at once, drawings that are sent again, and a worker that computes on
the same machine.

`many`: clients send jobs and fetch every frame from a server whose colorizer takes no time. All drawings differ, so
that none is stored or colored only once. They are small, so that the server's own work is measured. Every frame is
compared with its expected pixels. A job that does not end with all frames right counts as lost.
`upload`: line drawings in full HD, sent twice.
`computing`: how long a few clients wait while a worker computes with the preset `tiny` on the CPU.

Times are measured by clients on the same machine, which take part of its processor time: `cpu_seconds` lists the
shares. With the defaults, the benchmark runs for half an hour or more on two cores.
"""
