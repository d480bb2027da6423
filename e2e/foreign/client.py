"""A gRPC client that knows the seed's text and nothing else: descriptors from it, Debian's grpcio, the system python.

Reads one JSON object a line from stdin, {"call": ..., ...}, and answers each with one line of JSON on stdout.
"""

import hashlib
import json
import sys
import time

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def connect(settings):
    pem = {name: open(settings[name], "rb").read() for name in ("ca", "key", "cert")}
    credentials = grpc.ssl_channel_credentials(pem["ca"], pem["key"], pem["cert"])
    return grpc.secure_channel(settings["target"], credentials)


def messages(path):
    files = descriptor_pb2.FileDescriptorSet()
    files.ParseFromString(open(path, "rb").read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)

    def of(name):
        descriptor = pool.FindMessageTypeByName(name)
        if hasattr(message_factory, "GetMessageClass"):
            return message_factory.GetMessageClass(descriptor)
        return message_factory.MessageFactory(pool).GetPrototype(descriptor)

    return of


class Client:
    def __init__(self, settings):
        self.channel = connect(settings)
        self.of = messages(settings["descriptors"])

    def unary(self, method, request, response, **fields):
        call = self.channel.unary_unary(
            f"/JobService/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.of(response).FromString,
        )
        return call(self.of(request)(**fields), timeout=60)

    def start(self, command, args):
        return {"jobId": self.unary("Start", "JobStartRequest", "JobStartResponse", command=command, args=args).jobId}

    def stop(self, jobId):
        answer = self.unary("Stop", "JobStopRequest", "JobStopResponse", jobId=jobId)
        return {"status": answer.status, "message": answer.message}

    def status(self, jobId):
        answer = self.unary("QueryStatus", "JobQueryRequest", "JobInfo", jobId=jobId)
        return {"jobId": answer.jobId, "status": answer.status}

    def output(self, jobId, timeout=600):
        call = self.channel.unary_stream(
            "/JobService/SubscribeOutput",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.of("JobOutputResponse").FromString,
        )
        return call(self.of("JobSubscriptionRequest")(jobId=jobId), timeout=timeout)

    def read(self, jobId, timeout=600):
        began = time.monotonic()
        stdout, size, stderr, count = hashlib.sha256(), 0, b"", 0
        for message in self.output(jobId, timeout):
            stdout.update(message.stdout)
            size += len(message.stdout)
            stderr += message.stderr
            count += 1
        return {
            "sha256": stdout.hexdigest(),
            "bytes": size,
            "messages": count,
            "stderr": stderr.decode("latin-1"),
            "seconds": time.monotonic() - began,
        }

    def stall(self, jobId):
        """Takes one message and then nothing more, until `rest`."""
        self.stalled = self.output(jobId)
        self.first = next(self.stalled).stdout
        return {"bytes": len(self.first)}

    def rest(self):
        stdout, size = hashlib.sha256(self.first), len(self.first)
        for message in self.stalled:
            stdout.update(message.stdout)
            size += len(message.stdout)
        return {"sha256": stdout.hexdigest(), "bytes": size}


def main():
    client = Client(json.loads(sys.argv[1]))
    for line in sys.stdin:
        asked = json.loads(line)
        call = asked.pop("call")
        try:
            answer = getattr(client, call)(**asked)
        except grpc.RpcError as error:
            answer = {"error": error.code().name, "details": error.details()}
        print(json.dumps(answer), flush=True)


main()
