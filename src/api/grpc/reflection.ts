/** Server reflection, v1 and the older v1alpha: generic clients (`buf curl`, grpcurl) learn here what they may call. */
import { createRegistry, toBinary, type DescFile } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { Code, type ConnectRouter } from '@connectrpc/connect'
import { ServerReflection } from './gen/grpc/reflection/v1/reflection_pb.js'
import { ServerReflection as ServerReflectionAlpha } from './gen/grpc/reflection/v1alpha/reflection_pb.js'

/** Of a request in either version. */
type Asked =
  | { case: 'fileByFilename' | 'fileContainingSymbol' | 'allExtensionNumbersOfType' | 'listServices'; value: string }
  | { case: 'fileContainingExtension'; value: object }
  | { case: undefined }

/** `files`: those whose services are served; what they import comes along. */
export function reflectionRoutes(files: readonly DescFile[]): (router: ConnectRouter) => void {
  const all = withDependencies(files)
  const registry = createRegistry(...all)
  const services = files.flatMap((file) => file.services.map(({ typeName }) => ({ name: typeName })))
  const found = (file: DescFile | undefined, what: string) =>
    file === undefined
      ? missing(what)
      : {
          case: 'fileDescriptorResponse' as const,
          value: {
            fileDescriptorProto: withDependencies([file]).map((one) => toBinary(FileDescriptorProtoSchema, one.proto)),
          },
        }

  const answer = (asked: Asked) => {
    switch (asked.case) {
      case 'listServices':
        return { case: 'listServicesResponse' as const, value: { service: services } }
      case 'fileByFilename':
        return found(
          all.find(({ proto }) => proto.name === asked.value),
          asked.value,
        )
      case 'fileContainingSymbol':
        return found(fileOf(registry, asked.value), asked.value)
      default:
        return missing('such an extension')
    }
  }
  const serve = async function* (requests: AsyncIterable<{ host: string; messageRequest: Asked }>) {
    for await (const request of requests) {
      yield { validHost: request.host, messageResponse: answer(request.messageRequest) }
    }
  }
  return (router) => {
    router.service(ServerReflection, { serverReflectionInfo: serve })
    router.service(ServerReflectionAlpha, { serverReflectionInfo: serve })
  }
}

const missing = (what: string) => ({
  case: 'errorResponse' as const,
  value: { errorCode: Code.NotFound, errorMessage: `there is no ${what.slice(0, 200)} here` },
})

/** A symbol may also be a method, a field or a value inside of what the registry knows. */
function fileOf(registry: ReturnType<typeof createRegistry>, symbol: string): DescFile | undefined {
  return registry.get(symbol)?.file ?? registry.get(symbol.slice(0, Math.max(0, symbol.lastIndexOf('.'))))?.file
}

function withDependencies(files: readonly DescFile[]): DescFile[] {
  const all = new Set<DescFile>()
  const add = (file: DescFile): void => {
    if (all.has(file)) return
    all.add(file)
    file.dependencies.forEach(add)
  }
  files.forEach(add)
  return [...all]
}
