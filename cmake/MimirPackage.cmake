# What `make install` and `make deb` bring besides the programs: pages and completions generated from them, units, settings.

set(pages ${CMAKE_BINARY_DIR}/pages)
set(man_section_1 ${pages}/man1)
set(man_others ${pages}/man)
set(completions ${pages}/completions)
string(TIMESTAMP today "%a, %d %b %Y 00:00:00 +0000" UTC)
configure_file(packaging/debian/changelog.in ${CMAKE_BINARY_DIR}/changelog @ONLY)
add_custom_command(OUTPUT ${pages}/stamp
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${pages}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${man_section_1} ${man_others} ${completions}
  COMMAND mimirctl_docs man ${man_section_1}
  COMMAND mimird_docs man ${man_others}
  COMMAND gzip -9nr ${man_section_1} ${man_others}
  COMMAND mimirctl completion bash > ${completions}/mimirctl
  COMMAND mimirctl completion zsh > ${completions}/_mimirctl
  COMMAND mimirctl completion fish > ${completions}/mimirctl.fish
  COMMAND mimird_docs completion bash > ${completions}/mimird
  COMMAND mimird_docs completion zsh > ${completions}/_mimird
  COMMAND mimird_docs completion fish > ${completions}/mimird.fish
  COMMAND gzip -9nc ${CMAKE_BINARY_DIR}/changelog > ${pages}/changelog.gz
  COMMAND gzip -9nc ${CMAKE_SOURCE_DIR}/CHANGELOG.md > ${pages}/CHANGELOG.md.gz
  COMMAND ${CMAKE_COMMAND} -E touch ${pages}/stamp
  DEPENDS mimirctl mimirctl_docs mimird_docs ${CMAKE_SOURCE_DIR}/CHANGELOG.md
  COMMENT "Writing man pages and completions")
add_custom_target(generated_pages ALL DEPENDS ${pages}/stamp)

set(share ${CMAKE_INSTALL_DATAROOTDIR})
install(DIRECTORY ${man_section_1}/ DESTINATION ${share}/man/man1)
install(FILES ${man_others}/mimird.8.gz DESTINATION ${share}/man/man8)
install(FILES ${man_others}/mimird.yaml.5.gz DESTINATION ${share}/man/man5)
install(FILES ${completions}/mimirctl ${completions}/mimird DESTINATION ${share}/bash-completion/completions)
install(FILES ${completions}/_mimirctl ${completions}/_mimird DESTINATION ${share}/zsh/vendor-completions)
install(FILES ${completions}/mimirctl.fish ${completions}/mimird.fish DESTINATION ${share}/fish/vendor_completions.d)
install(FILES ${pages}/changelog.gz ${pages}/CHANGELOG.md.gz packaging/debian/copyright DESTINATION ${share}/doc/mimird)

install(FILES
  systemd/mimird.service systemd/mimird@.service systemd/mimird.target systemd/mimird.slice systemd/mimird-http.socket
  DESTINATION lib/systemd/system)
install(FILES systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME mimird.conf)
install(FILES systemd/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME mimird.conf)
install(FILES systemd/polkit.rules DESTINATION ${share}/polkit-1/rules.d RENAME 50-mimird.rules)
install(FILES packaging/mimird.yaml DESTINATION /etc/mimird)
install(FILES packaging/mimird.default DESTINATION /etc/default RENAME mimird)

set(debian ${CMAKE_SOURCE_DIR}/packaging/debian)
set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_NAME mimird)
set(CPACK_PACKAGE_CONTACT "The mimird authors <mimird@mimird.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "multi-tenant store for Prometheus metrics")
set(CPACK_PACKAGE_DESCRIPTION
"mimird takes Prometheus remote write and answers PromQL, with the components,
HTTP APIs and formats of Grafana Mimir. Its components run in one process or
in many, and can be started, stopped and moved while it serves.
.
This package has the daemon, mimirctl which operates it, and systemd units.")
set(CPACK_PACKAGE_FILE_NAME mimird)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "init-system-helpers (>= 1.54), systemd (>= 247)")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "polkitd, dbus")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${debian}/conffiles ${debian}/postinst ${debian}/prerm ${debian}/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
