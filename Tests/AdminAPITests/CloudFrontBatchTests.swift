import Testing

@testable import AdminAPI

/// Reading what CloudFront's clients send.
@Suite struct CloudFrontBatchTests {
  private static let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"

  private func batch(
    _ paths: [String], quantity: Int? = nil, reference: String = "r"
  ) -> String {
    "\(Self.head)<InvalidationBatch xmlns=\"\(CloudFrontBatch.namespace)\"><Paths><Quantity>"
      + "\(quantity ?? paths.count)</Quantity><Items>"
      + paths.map { "<Path>\($0)</Path>" }.joined()
      + "</Items></Paths><CallerReference>\(reference)</CallerReference></InvalidationBatch>"
  }

  private func code(_ text: String) -> CloudFrontFault.Code? {
    do throws(CloudFrontFault) {
      _ = try CloudFrontBatch(xml: Array(text.utf8))
      return nil
    } catch {
      return error.code
    }
  }

  @Test func pathsAndReferenceAreRead() throws {
    let read = try CloudFrontBatch(
      xml: Array(batch(["/a&amp;b", "/c/*", "<![CDATA[/<d>]]>", "#tag"]).utf8))
    #expect(read.paths == ["/a&b", "/c/*", "/<d>", "#tag"])
    #expect(read.callerReference == "r")
    let prefixed =
      "<c:InvalidationBatch xmlns:c=\"\(CloudFrontBatch.namespace)\"><c:Paths><c:Quantity>1"
      + "</c:Quantity><c:Items><c:Path>/p</c:Path></c:Items></c:Paths>"
      + "<c:CallerReference>x</c:CallerReference></c:InvalidationBatch>"
    #expect(try CloudFrontBatch(xml: Array(prefixed.utf8)).paths == ["/p"])
  }

  @Test func faultsHaveCloudFrontsCodes() {
    #expect(code("") == .missingBody)
    #expect(code(" \n") == .missingBody)
    #expect(code(batch(["/a"], quantity: 2)) == .inconsistentQuantities)
    #expect(code(batch([], quantity: 1)) == .inconsistentQuantities)
    #expect(code(batch([])) == .invalidArgument)
    #expect(code(batch(["/a"], quantity: -1)) == .invalidArgument)
    #expect(code(batch((0...3000).map { "/\($0)" })) == .batchTooLarge)
    #expect(code(batch((1...3000).map { "/\($0)" })) == nil)
    #expect(code(batch(["/a"], reference: "")) == .invalidArgument)
    #expect(code(batch(["/a"], reference: String(repeating: "r", count: 129))) == .invalidArgument)
    #expect(code("<InvalidationBatch/>") == .invalidArgument)
    #expect(code("<Other><Paths/></Other>") == .invalidArgument)
    #expect(code("{\"paths\": []}") == .invalidArgument)
    #expect(
      code(batch(["/a"]).replacing(CloudFrontBatch.namespace, with: "urn:x")) == .invalidArgument)
    #expect(code(String(batch(["/a"]).dropLast(5))) == .invalidArgument)
  }

  private func xmlFault(_ bytes: [UInt8]) -> String? {
    do throws(XMLTree.Fault) {
      _ = try XMLTree.read(bytes)
      return nil
    } catch {
      return error.message
    }
  }

  @Test func dangerousXMLIsNotRead() {
    let entity = "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>"
    #expect(xmlFault(Array(entity.utf8))?.contains("document type") == true)
    let external = "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"
    #expect(xmlFault(Array(external.utf8))?.contains("document type") == true)
    #expect(xmlFault(Array("<a>&b;</a>".utf8)) != nil)
    var wide: [UInt8] = [0xFF, 0xFE]
    for byte in entity.utf8 { wide += [byte, 0] }
    #expect(xmlFault(wide)?.contains("UTF-8") == true)
    let seven = "<?xml version=\"1.0\" encoding='UTF-7'?><a/>"
    #expect(xmlFault(Array(seven.utf8))?.contains("encoding") == true)
    // "<?xm" in EBCDIC, which the parser below would take for what it is.
    #expect(xmlFault([0x4C, 0x6F, 0xA7, 0x94])?.contains("UTF-8") == true)
    let deep = String(repeating: "<a>", count: 9) + String(repeating: "</a>", count: 9)
    #expect(xmlFault(Array(deep.utf8)) == "it is nested too deeply")
    let fitting = String(repeating: "<a>", count: 8) + String(repeating: "</a>", count: 8)
    #expect(xmlFault(Array(fitting.utf8)) == nil)
    let many = "<a>" + String(repeating: "<b/>", count: XMLTree.mostElements) + "</a>"
    #expect(xmlFault(Array(many.utf8)) == "it has too many elements")
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    var xml = XMLText()
    xml.add("A", namespace: "urn:a") { xml in
      xml.add("B", "<&>\"'é\u{1}")
      xml.add("C") { $0.add("D", "") }
    }
    let read = try XMLTree.read(Array(xml.text.utf8))
    #expect(read.name == "A" && read.namespace == "urn:a")
    #expect(read.only("B")?.text == "<&>\"'é\u{FFFD}")
    #expect(read.only("C")?.only("D")?.text == "")
  }
}
