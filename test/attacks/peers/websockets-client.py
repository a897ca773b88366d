"""A client of Python's websockets: websockets-client.py URL CALLS COMPRESSION(none|deflate). Prints what it got."""
import asyncio
import json
import sys

import websockets


async def main(url, calls, compression):
    chosen = None if compression == "none" else compression
    async with websockets.connect(url, compression=chosen, max_size=None) as connection:
        await (await connection.ping(b"from python"))
        for number in range(calls):
            text = "é€😀" * (number % 500)
            await connection.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": "echo", "params": [text]}))
        good = 0
        for number in range(calls):
            answer = json.loads(await connection.recv())
            if answer == {"jsonrpc": "2.0", "id": number, "result": "é€😀" * (number % 500)}:
                good += 1
        # In fragments.
        call = json.dumps({"jsonrpc": "2.0", "id": "f", "method": "echo", "params": ["fragments"]})
        await connection.send([call[:10], call[10:20], call[20:]])
        fragmented = json.loads(await connection.recv())["result"]
        extensions = [extension.name for extension in connection.extensions]
        print("answered", flush=True)
        if sys.stdin.readline() == "":
            await connection.close(1000, "done")
        else:
            try:
                await connection.recv()
            except websockets.ConnectionClosed:
                pass
        print(json.dumps({"good": good, "fragmented": fragmented, "extensions": extensions, "code": connection.close_code}))


asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
