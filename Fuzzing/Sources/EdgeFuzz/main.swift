import Glibc

// edge-fuzz HARNESS [libFuzzer's options and corpus folders]
//
// One executable for all harnesses: libFuzzer's driver is called from here, with its own `main`
// left out at the link (scripts/fuzz.sh).

typealias FuzzerCallback = @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32

@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
  _ argumentCount: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ callback: FuzzerCallback
) -> Int32

guard CommandLine.arguments.count > 1, let harness = Harness(rawValue: CommandLine.arguments[1])
else {
  print("usage: EdgeFuzz HARNESS [options] [folders]")
  print("harnesses: \(Harness.allCases.map(\.rawValue).joined(separator: " "))")
  exit(2)
}

// libFuzzer's callback carries no context, so the choice is kept where it can be reached.
nonisolated(unsafe) var chosen = harness

// The harness's name is ours: what stands behind it is libFuzzer's.
var argumentCount = CommandLine.argc - 1
var arguments = CommandLine.unsafeArgv + 1
arguments[0] = CommandLine.unsafeArgv[0]
exit(
  runFuzzer(&argumentCount, &arguments) { bytes, count in
    chosen.run(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
  })
