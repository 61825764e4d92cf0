"""Writes into a table as fast as one session can, with a pause, and prints the time of each acknowledged write.

    writer.py CONNINFO

Begins with the session's table, ends when its input does, and says last how many of the acknowledged rows are there.
"""

import os
import select
import sys
import time

import psycopg2

# Between two writes, and between two tries to connect: what the time of an outage is known to.
PAUSE = 0.002


def connect(conninfo):
    connection = psycopg2.connect(conninfo, connect_timeout=1)
    connection.autocommit = True
    return connection


def ended():
    return bool(select.select([sys.stdin], [], [], 0)[0]) and not os.read(0, 1)


def main():
    conninfo = sys.argv[1]
    connection = connect(conninfo)
    connection.cursor().execute("DROP TABLE IF EXISTS written; CREATE TABLE written (n bigint PRIMARY KEY)")
    number, acknowledged = 0, []
    while not ended():
        number += 1
        try:
            connection = connection or connect(conninfo)
            connection.cursor().execute("INSERT INTO written VALUES (%s)", (number,))
            acknowledged.append(number)
            print(f"{time.time():.4f}", flush=True)
        except psycopg2.Error:
            connection = None
        time.sleep(PAUSE)
    cursor = connect(conninfo).cursor()
    cursor.execute("SELECT n FROM written")
    lost = set(acknowledged) - {n for (n,) in cursor.fetchall()}
    print(f"lost {len(lost)} of {len(acknowledged)}", flush=True)


if __name__ == "__main__":
    main()
