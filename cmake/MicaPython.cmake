# Is the extension built? Sets mica_python (ON or OFF), mica_python_include and mica_python_suffix, as Python_EXECUTABLE says.
set(mica_python OFF)
if(MICA_PYTHON)
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c
      "import sys, sysconfig; v = sysconfig.get_config_var; assert (3, 10) <= sys.version_info[:2]; print(sysconfig.get_paths()['include'], v('EXT_SUFFIX'), sep=';')"
    OUTPUT_VARIABLE python_config OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE python_failed)
  if(NOT python_failed)
    list(GET python_config 0 mica_python_include)
    list(GET python_config 1 mica_python_suffix)
    if(EXISTS "${mica_python_include}/Python.h")
      set(mica_python ON)
    endif()
  endif()
  if(NOT mica_python)
    set(mica_python_severity STATUS)
    if(SKBUILD)
      set(mica_python_severity FATAL_ERROR)
    endif()
    message(${mica_python_severity} "mlx.core is not built: ${Python_EXECUTABLE} is no Python 3.10 or later with headers")
  endif()
endif()
