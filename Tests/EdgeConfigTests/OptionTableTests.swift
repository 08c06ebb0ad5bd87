import Foundation
import Testing

@testable import EdgeConfig

@Suite struct OptionTableTests {
  @Test func everyPathIsUniqueAndHasItsSection() {
    let paths = OptionTable.options.map(\.path)
    #expect(Set(paths).count == paths.count)
    for option in OptionTable.options where !option.parentPath.isEmpty {
      #expect(paths.contains(option.parentPath), "\(option.path)")
    }
  }

  @Test func everyDefaultAndBoundFitsItsOwnRow() {
    for option in OptionTable.options {
      if !option.type.isContainer, case .text(let text) = option.defaultValue {
        #expect(throws: Never.self, "\(option.path)") {
          try ScalarReader(option: option).read(text, shown: text)
        }
      }
      for bound in [option.minimum, option.maximum].compactMap({ $0 }) {
        let isFit =
          option.type.isOrdered
          ? (try? ScalarReader(option: option).read(bound, shown: bound)) != nil
          : Int(bound) != nil
        #expect(isFit, "\(option.path): \(bound)")
      }
    }
  }

  @Test func everyQuantityHasABoundAndEveryRowADescription() {
    for option in OptionTable.options {
      #expect(option.description.hasSuffix("."), "\(option.path)")
      if option.type.isOrdered || option.type == .list || option.type == .map {
        #expect(option.maximum != nil, "\(option.path) has no limit")
      }
      if option.type == .list || option.type == .map {
        #expect(OptionTable.options.count { $0.parentPath == option.path } > 0)
      }
    }
  }

  @Test func theReferencePageIsInStepWithTheTable() throws {
    let path = repository + "/docs/OPTIONS.md"
    let committed = try String(contentsOfFile: path, encoding: .utf8)
    let generated = OptionTable.referenceMarkdown()
    if ProcessInfo.processInfo.environment["EDGE_WRITE_REFERENCE"] != nil, committed != generated {
      try generated.write(toFile: path, atomically: true, encoding: .utf8)
      return
    }
    #expect(
      committed == generated,
      "write the page anew: EDGE_WRITE_REFERENCE=1 swift test --filter OptionTableTests")
  }

  @Test func theSchemaIsValidJSONThatKnowsEveryOption() throws {
    let object = try JSONSerialization.jsonObject(with: Data(OptionTable.jsonSchema().utf8))
    let schema = try #require(object as? [String: Any])
    #expect(schema["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
    #expect(schema["required"] as? [String] == ["listeners", "origins", "routes"])
    let properties = try #require(schema["properties"] as? [String: Any])
    let topLevel = OptionTable.options.filter { $0.parentPath.isEmpty }.map(\.name)
    #expect(Set(properties.keys) == Set(topLevel))
    let routes = try #require(properties["routes"] as? [String: Any])
    let route = try #require(routes["items"] as? [String: Any])
    #expect(route["additionalProperties"] as? Bool == false)
    #expect((route["properties"] as? [String: Any])?["ttl"] != nil)
  }
}
