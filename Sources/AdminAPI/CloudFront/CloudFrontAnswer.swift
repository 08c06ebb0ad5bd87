/// CloudFront's answers in XML.
enum CloudFrontAnswer {
  /// An Invalidation.
  static func invalidation(_ job: InvalidationJob) -> String {
    var xml = XMLText()
    xml.add("Invalidation", namespace: CloudFrontBatch.namespace) { xml in
      xml.add("Id", job.id)
      xml.add("Status", job.status)
      xml.add("CreateTime", UTCText.of(job.createdMilliseconds))
      xml.add("InvalidationBatch") { xml in
        let paths = items(of: job.order)
        xml.add("Paths") { xml in
          xml.add("Quantity", "\(paths.count)")
          xml.add("Items") { xml in for path in paths { xml.add("Path", path) } }
        }
        xml.add("CallerReference", job.callerReference ?? job.id)
      }
    }
    return xml.text
  }

  /// The paths of an order that came over another API, too, as far as CloudFront has words for it.
  private static func items(of order: InvalidationOrder) -> [String] {
    order[.cloudFrontPaths] + order[.paths] + order[.globs] + order[.urls]
      + order[.prefixes].map { $0 + "*" } + order[.tags].map { "#" + $0 }
  }

  /// An InvalidationList.
  static func list(
    _ jobs: [InvalidationJob], marker: String, next: String?, limit: Int
  ) -> String {
    var xml = XMLText()
    xml.add("InvalidationList", namespace: CloudFrontBatch.namespace) { xml in
      xml.add("Marker", marker)
      if let next { xml.add("NextMarker", next) }
      xml.add("MaxItems", "\(limit)")
      xml.add("IsTruncated", next == nil ? "false" : "true")
      xml.add("Quantity", "\(jobs.count)")
      guard !jobs.isEmpty else { return }
      xml.add("Items") { xml in
        for job in jobs {
          xml.add("InvalidationSummary") { xml in
            xml.add("Id", job.id)
            xml.add("CreateTime", UTCText.of(job.createdMilliseconds))
            xml.add("Status", job.status)
          }
        }
      }
    }
    return xml.text
  }

  /// An ErrorResponse.
  static func error(_ fault: CloudFrontFault, requestID: String) -> String {
    var xml = XMLText()
    xml.add("ErrorResponse", namespace: CloudFrontBatch.namespace) { xml in
      xml.add("Error") { xml in
        xml.add("Type", "Sender")
        xml.add("Code", fault.code.rawValue)
        xml.add("Message", fault.message)
      }
      xml.add("RequestId", requestID)
    }
    return xml.text
  }
}
