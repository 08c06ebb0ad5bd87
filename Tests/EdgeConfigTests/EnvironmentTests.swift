import Testing

@testable import EdgeConfig

@Suite struct EnvironmentTests {
  @Test(arguments: [
    ("plain", "plain"), ("${NAME}", "value"), ("a-${NAME}-b-${NAME}", "a-value-b-value"),
    ("${UNSET:-fallback}", "fallback"), ("${EMPTY:-fallback}", "fallback"),
    ("${UNSET:-}", ""), ("${NAME:-fallback}", "value"), ("$${NAME}", "${NAME}"),
    ("$5 $ $", "$5 $ $"),
    ("${UNSET:-a:-b}", "a:-b"),
  ])
  func referencesAreReplaced(_ text: String, _ expanded: String) {
    let result = EnvironmentReferences.expand(
      text, environment: ["NAME": "value", "EMPTY": ""])
    #expect(result.text == expanded)
    #expect(result.faults == [])
  }

  @Test(arguments: [
    (
      "${UNSET} ${EMPTY}",
      [
        "the environment variable 'UNSET' is not set (set it, or write ${UNSET:-fallback})",
        "the environment variable 'EMPTY' is empty (set it, or write ${EMPTY:-fallback})",
      ]
    ),
    ("${NAME", ["'${' has no closing '}' (write '$${' for the characters themselves)"]),
    ("${}", ["'${}' names no environment variable (write ${NAME} or ${NAME:-fallback})"]),
    ("${9}", ["'${9}' names no environment variable (write ${NAME} or ${NAME:-fallback})"]),
  ])
  func aFaultyReferenceIsNamed(_ text: String, _ faults: [String]) {
    let result = EnvironmentReferences.expand(text, environment: ["NAME": "value", "EMPTY": ""])
    #expect(result.faults == faults)
  }

  @Test(arguments: ["${NAME}", "$${NAME}", "$$", "a${b", "plain"])
  func escapedTextsReadBack(_ text: String) {
    let escaped = EnvironmentReferences.escape(text)
    #expect(EnvironmentReferences.expand(escaped, environment: [:]).text == text)
  }

  @Test func everyValueMayComeFromTheEnvironment() throws {
    let text =
      minimal.replacing("127.0.0.1:8080", with: "\"127.0.0.1:${PORT}\"")
      + "threads: ${THREADS:-4}"
    let configuration = try load(text, environment: ["PORT": "9999"])
    #expect(configuration.listeners[0].address.port == 9999)
    #expect(configuration.threads == 4)
  }

  @Test func aValueFromTheEnvironmentIsNeverShown() {
    let text = minimal + "threads: ${SECRET}\nname: \"${SECRET}\"\nlog: { level: \"${SECRET}\" }"
    let shown = faults(text, environment: ["SECRET": "hunter 2"])
    #expect(shown.count == 3)
    for diagnostic in shown { #expect(!diagnostic.contains("hunter")) }
  }

  @Test func aSecretShowsInNoTextualForm() throws {
    let text = minimal + "admin: { users: [{ name: admin, password: \"${PASSWORD}\" }] }"
    let configuration = try load(text, environment: ["PASSWORD": "hunter2"])
    #expect(configuration.admin?.users[0].password == .text(Secret("hunter2")))
    var dumped = ""
    dump(configuration, to: &dumped)
    for shown in [dumped, "\(configuration)", String(reflecting: configuration)] {
      #expect(!shown.contains("hunter2"))
      #expect(shown.contains("(set)"))
    }
  }
}
