#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes the logs in this folder. They are made up, in the shapes that receivers have; nothing is copied from any.

Always the same bytes: chance has a seed.
"""

import math
import pathlib
import random
import struct
from datetime import datetime, timedelta

HERE = pathlib.Path(__file__).parent
KNOTS = 3600 / 1852


def line(text):
    total = 0
    for byte in text.encode():
        total ^= byte
    return f"${text}*{total:02X}\r\n".encode()


def angle(degrees, width, digits, sides):
    side = sides[degrees < 0]
    minutes = round(abs(degrees) * 60, digits)
    whole = int(minutes // 60)
    return f"{whole:0{width}d}{minutes - whole * 60:0{digits + 3}.{digits}f},{side}"


class Drive:
    """A car that starts, turns, stands at lights and drives on: its place for each second."""

    def __init__(self, latitude, longitude, seed):
        self.latitude, self.longitude = latitude, longitude
        self.speed, self.course, self.altitude = 0.0, 85.0, 12.0
        self.chance = random.Random(seed)

    def step(self, second):
        wanted = 0.0 if second % 60 < 8 else 13.9 if second < 90 else 22.0
        self.speed += max(-3.0, min(2.0, wanted - self.speed))
        self.course = (self.course + (9.0 if 30 <= second % 60 < 40 else self.chance.uniform(-1, 1))) % 360
        north = self.speed * math.cos(math.radians(self.course))
        east = self.speed * math.sin(math.radians(self.course))
        self.latitude += north / 111_195
        self.longitude += east / (111_195 * math.cos(math.radians(self.latitude)))
        self.altitude += self.chance.uniform(-0.2, 0.2)

    def place(self, digits):
        return angle(self.latitude, 2, digits, "NS") + "," + angle(self.longitude, 3, digits, "EW")


def gsv(talker, satellites, signal=None):
    """satellites: number, elevation, azimuth, strength or None."""
    parts = [satellites[at : at + 4] for at in range(0, len(satellites), 4)] or [[]]
    lines = b""
    for number, part in enumerate(parts, 1):
        text = f"{talker}GSV,{len(parts)},{number},{len(satellites):02d}"
        for identity, elevation, azimuth, strength in part:
            text += f",{identity:02d},{elevation:02d},{azimuth:03d}," + ("" if strength is None else f"{strength:02d}")
        lines += line(text + ("" if signal is None else f",{signal}"))
    return lines


def gsa(talker, dimension, numbers, dops, system=None):
    numbers = [f"{number:02d}" for number in numbers] + [""] * (12 - len(numbers))
    text = f"{talker}GSA,A,{dimension},{','.join(numbers)},{dops}"
    return line(text + ("" if system is None else f",{system}"))


SKY = {
    "GP": [(2, 41, 62), (5, 17, 115), (13, 68, 178), (15, 51, 54), (18, 57, 218), (23, 59, 322), (24, 70, 126), (29, 12, 264)],
    "GL": [(68, 30, 55), (69, 57, 350), (78, 29, 60), (84, 49, 244), (85, 37, 310)],
    "GA": [(2, 6, 77), (7, 78, 299), (8, 40, 50), (13, 45, 171), (26, 66, 276), (33, 22, 319)],
    "GB": [(1, 37, 146), (3, 46, 189), (6, 71, 51), (9, 62, 333), (14, 69, 21), (16, 74, 40), (21, 50, 62), (39, 32, 75), (42, 61, 317)],
    "GQ": [(2, 39, 162), (4, 42, 163)],
}
SYSTEMS = {"GP": 1, "GL": 2, "GA": 3, "GB": 4, "GQ": 5}
SIGNALS = {"GP": 1, "GL": 1, "GA": 7, "GB": 1, "GQ": 1}


def sky(talker, chance, is_seen=True):
    weak = lambda elevation: max(18, min(48, 24 + elevation // 3 + chance.randint(-3, 3)))
    return [(number, elevation, azimuth, weak(elevation) if is_seen else None) for number, elevation, azimuth in SKY[talker]]


def cold_and_drive():
    """A receiver for five constellations, cold: no time, time, a fix, a drive with a tunnel of 20 s. 200 s."""
    drive, start, out = Drive(31.2186, 121.4802, 1), datetime(2026, 5, 14, 7, 59, 10), b""
    for second in range(200):
        now = start + timedelta(seconds=second)
        clock = now.strftime("%H%M%S.00") if second >= 6 else ""
        date = now.strftime("%d%m%y") if second >= 6 else ""
        is_tunnel = 120 <= second < 140
        is_fix = second >= 15 and not is_tunnel
        dimension = 1 if not is_fix else 2 if second < 20 else 3
        mode, quality = ("N", 0) if not is_fix else ("D", 2) if second >= 60 else ("A", 1)
        if second >= 15:
            drive.step(second)
        place = drive.place(5) if is_fix else ",,,"
        speed = f"{drive.speed * KNOTS:.3f}" if is_fix else ""
        course = f"{drive.course:.2f}" if is_fix and drive.speed > 1 else ""
        used = {talker: [number for number, elevation, _ in sats if elevation > 15] for talker, sats in SKY.items()}
        count = min(12, sum(map(len, used.values()))) if is_fix else 0
        dops = "1.21,0.64,1.03" if is_fix else "99.99,99.99,99.99"
        out += line(f"GNRMC,{clock},{'A' if is_fix else 'V'},{place},{speed},{course},{date},,,{mode},V")
        kmh = f"{drive.speed * 3.6:.3f}" if is_fix else ""
        out += line(f"GNVTG,{course},T,,M,{speed},N,{kmh},K,{mode}" if is_fix else "GNVTG,,,,,,,,,N")
        height = f"{drive.altitude:.1f},M,9.8,M,," if is_fix else ",,,,,"
        out += line(f"GNGGA,{clock},{place},{quality},{count:02d},{dops.split(',')[1]},{height}")
        for talker, system in SYSTEMS.items():
            out += gsa("GN", dimension, used[talker] if is_fix else [], dops, system)
        if second % 5 == 0:
            for talker in SYSTEMS:
                seen = second >= 3 and not is_tunnel
                out += gsv(talker, sky(talker, drive.chance, seen) if second >= 3 else [], SIGNALS[talker])
        out += line(f"GNGLL,{place},{clock},{'A' if is_fix else 'V'},{mode}")
    return out


def two_constellations():
    """A receiver for GPS and BeiDou with talker BD, ZDA and a text on the antenna; place to four digits. 60 s."""
    drive, start, out = Drive(22.5411, 114.0562, 2), datetime(2026, 2, 28, 23, 59, 30), b""
    for second in range(60):
        now = start + timedelta(seconds=second)
        clock, place = now.strftime("%H%M%S.000"), None
        drive.step(second)
        place = drive.place(4)
        out += line(f"GNGGA,{clock},{place},1,15,0.8,{drive.altitude:.1f},M,-2.9,M,,")
        out += line(f"GNGLL,{place},{clock},A,A")
        out += gsa("GP", 3, [2, 13, 15, 18, 23, 24], "1.5,0.8,1.2")
        out += gsa("BD", 3, [1, 3, 6, 9, 14, 16, 21, 39, 42], "1.5,0.8,1.2")
        out += gsv("GP", sky("GP", drive.chance)) + gsv("BD", sky("GB", drive.chance)) if second % 3 == 0 else b""
        out += line(f"GNRMC,{clock},A,{place},{drive.speed * KNOTS:.2f},{drive.course:.2f},{now:%d%m%y},,,A")
        out += line(f"GNVTG,{drive.course:.2f},T,,M,{drive.speed * KNOTS:.2f},N,{drive.speed * 3.6:.2f},K,A")
        out += line(f"GNZDA,{clock},{now:%d,%m,%Y},00,00")
        out += line("GPTXT,01,01,01,ANTENNA OK")
    return out


def leap_second():
    """A receiver for GPS alone, over the leap second at the end of 2016. 12 s."""
    drive, start, out = Drive(48.1173, 11.5167, 3), datetime(2016, 12, 31, 23, 59, 54), b""
    for second in range(12):
        now = start + timedelta(seconds=second - (second > 6))
        clock = "235960" if second == 6 else now.strftime("%H%M%S")
        date = "311216" if second == 6 else now.strftime("%d%m%y")
        if second == 6:
            now = datetime(2016, 12, 31)
        out += line(f"GPGGA,{clock},{drive.place(3)},1,06,1.4,519.2,M,47.0,M,,")
        out += gsa("GP", 3, [2, 13, 15, 18, 23, 24], "2.3,1.4,1.8")
        out += line(f"GPRMC,{clock},A,{drive.place(3)},000.0,,{date},003.1,E")
        out += line(f"GPZDA,{clock},{now:%d,%m,%Y},00,00")
    return out


def rolled_over():
    """An old receiver for GPS alone, of which the count of weeks has rolled over: 2026-10-10 is 2007-02-24 to it. 5 s."""
    out, start = b"", datetime(2007, 2, 24, 12, 0, 0)
    for second in range(5):
        now = start + timedelta(seconds=second)
        out += line(f"GPRMC,{now:%H%M%S},A,3112.345,N,12129.876,E,000.0,,{now:%d%m%y},,,A")
        out += line(f"GPGGA,{now:%H%M%S},3112.345,N,12129.876,E,1,06,1.4,8.2,M,10.1,M,,")
    return out


def ubx(kind, payload):
    body = bytes(kind) + struct.pack("<H", len(payload)) + payload
    a = b = 0
    for byte in body:
        a = (a + byte) & 0xFF
        b = (b + a) & 0xFF
    return b"\xb5\x62" + body + bytes([a, b])


def rtcm(payload):
    frame = b"\xd3" + struct.pack(">H", len(payload)) + payload
    crc = 0
    for byte in frame:
        crc ^= byte << 16
        for _ in range(8):
            crc = (crc << 1) ^ (0x1864CFB if crc & 0x800000 else 0)
    return frame + crc.to_bytes(3, "big")


def mixed():
    """A receiver for real-time kinematics that says GNS, between frames of UBX and RTCM 3, and noise on the line. 30 s."""
    chance, drive, start, out = random.Random(4), Drive(31.2, 121.5, 5), datetime(2026, 6, 1, 3, 0, 0), b"\0\xfe$GNG"
    for second in range(30):
        now = start + timedelta(seconds=second)
        clock = now.strftime("%H%M%S.00")
        drive.step(second + 10)
        out += ubx((1, 7), chance.randbytes(92))
        modes = "FFNF" if second < 10 else "RRNR"
        out += line(f"GNGNS,{clock},{drive.place(7)},{modes},24,0.5,{drive.altitude:.3f},9.871,1.0,0012,V")
        out += rtcm(chance.randbytes(120))
        out += line(f"GNRMC,{clock},A,{drive.place(7)},{drive.speed * KNOTS:.3f},{drive.course:.2f},{now:%d%m%y},,,{modes[0]},V")
        out += line(f"GNZDA,{clock},{now:%d,%m,%Y},00,00")
        out += line(f"GNGST,{clock},12,0.9,0.6,14.0,0.012,0.011,0.024")
        if second % 7 == 3:
            out += chance.randbytes(40) + b"\r\n"
        if second % 10 == 9:
            out += line("GNVTG,1.0,T,,M,1.0,N,1.852,K,R").replace(b"1.852", b"1.853")
    return out


def main():
    logs = {
        "cold-and-drive.nmea": cold_and_drive(),
        "two-constellations.nmea": two_constellations(),
        "leap-second.nmea": leap_second(),
        "rolled-over.nmea": rolled_over(),
        "mixed.bin": mixed(),
    }
    for name, content in logs.items():
        (HERE / name).write_bytes(content)


main()
